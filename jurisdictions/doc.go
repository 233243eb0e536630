// Package jurisdictions is what the sides have in common: rulebooks, and the reading of packets. A side is a folder below
// this one (guangdong, macau, hongkong: the same files in each, so that one can be read beside another) with its words,
// its rulebook, its consent texts and its forms; all that it does with them is done here.
//
//	reading   claims → Record         read*.go, claims.go, documents.go, consents.go, forms.go, ports.go, vocabulary.go
//	rules     Record → Findings       book*.go (deciding), parse*.go (the file), cel*.go (expressions),
//	                                  binding.go (ports), complete.go (routes), shelf.go (overrides), history.go, explain.go
//
// The domain next door (exchange) owns Record, Findings and the verdict, and knows no rule. This package imports it and
// CEL; the sides import this package, and never each other.
//
// # Rulebooks
//
// A rulebook is one YAML file: rules, each once, and dated versions that say which of them are in force with which
// parameters. A version is a half-open window to the minute in UTC+8, and one version begins where the one before ends:
// an overlap or a gap is a fault, a time when a border was closed is a version that says so, and so is a time of which it is
// not known what was asked.
//
//	side: macau
//	rules:
//	  entry.negative-test:            green.… or entry.…; the id is macau.entry.negative-test
//	    reason: not-eligible          one of exchange.Refusals
//	    category: test                all that an officer is told: one of Categories
//	    warn: false                   true: a failure is noted and refuses nobody
//	    asked: once                   now is when the packet was brought, whichever instant is judged; see What time does
//	    judges: [nucleic-acid]        kinds of adverse facts that it decides about: see below
//	    waives: {kinds: […], source: …}           of a rule that only warns: kinds that refuse nobody, and who says so
//	    ports: [gongbei]              only here; or {group: zhuhai}, or {outside: zhuhai}; see Ports
//	    parameters: {unit: unit, length: int}     int, bool, string, unit or list (of strings)
//	    when: 'holder.age >= 3'                   CEL bool; false: not in force for this packet
//	    require: 'fresh(latest(evidence, "nucleic-acid").at, unit, length, now)'
//	    until: 'valid_until(latest(evidence, "nucleic-acid").at, unit, length)'     asked when the rule passes
//	    sampled_at: 'latest(evidence, "nucleic-acid").at'                           the sample that the code shows
//	    advice: {title: {zh-Hans: …, zh-Hant: …, en: …, pt: …}, remedy: …, contact: …}
//	    examples:                     at least one that passes and one that does not; they are run whenever the file is read
//	      - {name: …, at: 2026-11-22T10:00:00+08:00, with: {…}, given: {…}, then: pass}
//	versions:
//	  - from: 2021-06-08T10:00+08:00
//	    until: 2021-07-10T00:00+08:00             absent: no end; only on the last
//	    source: https://gov.mo/zh-hant/?p=464344
//	    confidence: official                      official, press or assumed
//	    green: [{rule: green.colour}]             for holders who leave
//	    entry:                                    for holders who come, by route
//	      guangdong-macau:
//	        documents: {accept: {app: [resident-id], "*": [home-return-permit]}, advice: …}
//	        not_granted: [quarantine-waiver]
//	        rules: [{rule: entry.negative-test, with: {…}}, {rule: entry.visit-check, off: true}]
//	  - {from: 2022-10-26T00:00+08:00, until: …, unknown: true, note: what is not known, source: …, confidence: assumed}
//	  - {from: 2023-03-27T00:00+08:00, closed: true, source: …, confidence: press, advice: …}
//
// In a list of rules a list stands for its items, so that what many versions ask is written once and referred to. What is not
// known of one route is written in its entry, of the whole of it or beside the rules for some ports:
//
//	hongkong-macau: {unknown: {note: …}}
//	guangdong-macau: {unknown: {note: …, ports: {outside: zhuhai}}, documents: …, rules: …}
//
// Anchors and merge keys may be used. Everything else is strict: an unknown key, a missing language, a rule that no
// version uses, a parameter that is not declared, an expression that does not compile, an example that does not hold, an
// entry in which nothing ends the code. Parse finds all of it at once and says file and line.
//
// # What rules see
//
//	now                                          the instant that is judged: the request's one clock reading, or an announced
//	                                             change in the code's life
//	packet       {issued_at, port, channel, route, source, destination}
//	holder       {age, verified, home, documents [{type}]}   home: whose the documents are, one of Homes; never a claim
//	presenter    {relation}
//	consent      {by}
//	health       {colour, subcode, as_of, reasons}
//	evidence     [{type, result, at, source, institution, at_risk, days, doses, colour, province, route,
//	               superseded, contradicted}]    by newer evidence, or by other of the same instant: exchange.Record
//	declarations [{form, declared_at, answers, adverse}]    adverse: the questions whose answer speaks against the holder
//
//	latest(evidence, "nucleic-acid")    the newest of a type; an error if there is none, or two of one instant disagree
//	fresh(at, unit, length, now)        not in the future (60 s of leeway) and not after valid_until
//	valid_until(at, unit, length)       the last valid second
//	clock(now, 23, 59)                  that time on now's day in UTC+8
//	minutes_since(at, now)              whole minutes; an error for an instant in the future
//
// Two units count a test's validity. days_after_sampling_day ends at 23:59:59 UTC+8 of the sampling day plus so many days:
// what notices call 48 hours is 2. hours_since_sampling counts from the moment of sampling.
//
// A fact that is not known is not its zero value: to read it is an error, has(health.as_of) tells. The type of evidence
// decides which facts it has, so a rule looks at e.type first: e.type == "nucleic-acid" && e.result == "negative".
// There are no names, numbers or birth dates in sight of a rule, no time zone but +08:00, and no clock, file or network.
//
// # What rules decide
//
//	outcome        when                                                       blocks
//	pass           require holds                                              no
//	fail           require does not hold                                      yes, unless the rule only warns
//	error          an unknown fact, a cost limit, any other failure           yes, unless the rule only warns
//	not-in-force   switched off, another port, or when does not hold          no
//
// All rules of the version in force are evaluated, every time. Where there are none to evaluate there is one failing
// outcome, so that nothing becomes green by silence:
//
//	no version at this instant, or no such route   <side>.<part>.route        route-not-configured
//	a closed version                               <side>.<part>.closed       route-closed
//	a gap in the record, whole or at this port     <side>.<part>.unknown      route-not-configured
//	no document that the channel's table takes     <side>.entry.documents     document-not-accepted
//
// # Adverse facts
//
// The reader of each type of evidence says when it is adverse, and each question of a form which of its two
// answers is. What is adverse, and has nothing newer in its place, must be judged by a rule that is in force (judges) or be
// waived by one that names its source (waives), on either side; else exchange.Conclude refuses, so that a type of evidence of
// which no rulebook has thought yet is not passed over. That a fact is too old is for a rule and words of its own.
//
// # What time does
//
// A code's end is known when it is issued: exchange.Judge asks at each instant at which another version begins (Book.Changes), and
// between them a rule must know by itself how long it holds. So a rule that reads now in when or require says one of two things,
// or the file has a fault:
//
//	until: …       the last second at which a pass is one, by the same facts: the code ends there
//	asked: once    the rule is about the bringing of the packet, such as how old the source's colour is, or that a dose was given
//	               before it. It is asked about that instant, with the parameters of the version that is judged: a version that
//	               allows 5 minutes ends the codes of those who brought a colour of 10, since it would give them none
//
// Both in one attribute would not do: a fact that is good enough for the bringing (15 minutes) must not end a code (24 hours), and
// a rule's text says which it is better than a second clock beside now would.
//
// # Ports
//
// The ports.yaml of a side's folder has ports of its borders: names in four languages, kind, the city on either side, and what
// is known of hours and closures, each with its source. A port stands once, in the folder of one of its two sides, and every
// side reads all files, so that a new side brings the ports of its borders with it. The head of guangdong/ports.yaml says
// what each member means.
//
// A rule is bound to ports by name, or to a group, which is a city of either end or a kind: {group: zhuhai}, {outside: zhuhai},
// {group: ferry}. A packet that names no port must pass every port's rules. Who fails a bound rule is told, by the engine, of
// the ports of the route where it does not hold; where there are none, nothing is said of other checkpoints. Hours and
// closures are facts: they keep a port out of that advice, and decide no verdict.
//
// # Routes
//
// Unfinished says what a route that a rulebook opens still lacks at either end: the source's consent texts, channels and
// documents in the destination's table, the forms that its rules read, and ports. The wiring asks it, and for the keys, at a
// lint, at start-up, and for each override before it is taken.
//
// # Overrides
//
// A Shelf holds a side's current Book: the embedded file, or <side>.yaml from the directory of overrides. At start a faulty
// override is an error and nothing starts. Later a faulty one, or one that has vanished, leaves the last good Book in
// use, is logged once for each change, and shows in Status until it is mended.
//
// A Book that replaces another one counts for codes that are out as well: Shut says when it gives nobody a code over a route,
// and exchange.Closings makes of it what voids codes. A file that opens a route again must keep the closed version.
package jurisdictions
