package exchange

import (
	"fmt"
	"strings"
	"time"
)

// Zone is UTC+8, in which all three sides count their days. None of them has daylight saving time.
var Zone = time.FixedZone("UTC+8", 8*60*60)

// Leeway is how far two clocks may differ, either way, for iat, nbf and exp (RFC 7519 §4.1.4: "no more than a few
// minutes"; sixty seconds is what the pains collected from other code systems settle on).
const Leeway = 60 * time.Second

// MaxPacketLife is the most that exp may lie after iat.
const MaxPacketLife = 10 * time.Minute

// Record is a packet's claims after opening, verifying and parsing. A side's Read is its only maker; a Record that
// exists holds only well-formed values, so nothing behind it checks a format again.
type Record struct {
	Issuer   Side
	Audience string
	Route    Route
	Port     Port
	Channel  string
	// ID is jti: at least 128 random bits chosen by the source.
	ID        string
	IssuedAt  time.Time
	NotBefore time.Time
	Expires   time.Time
	// Brought is when the gateway was first asked, by its clock; zero while nobody has asked, and then a rule takes the instant
	// that it is asked about. It is not a claim.
	Brought time.Time

	Consent      Consent
	Presenter    Presenter
	Holder       Holder
	Health       Health
	Evidence     []Evidence
	Declarations []Declaration
}

// Live tells whether the packet may be used at now, give or take Leeway: packet-expired or not-yet-valid if not.
// Both ends belong to the window: at exp+60 s a packet still lives, a second later it does not. A packet that would live
// longer than MaxPacketLife, or for no time at all, is claims-invalid, whatever the clock says: how long the replay store
// must remember a packet rests on it.
func (r Record) Live(now time.Time) error {
	switch {
	case !r.Expires.After(r.IssuedAt), r.Expires.After(r.IssuedAt.Add(MaxPacketLife)):
		return Invalid("exp", "must lie after iat, by no more than %s", MaxPacketLife)
	case now.Add(Leeway).Before(r.IssuedAt), now.Add(Leeway).Before(r.NotBefore):
		return Fail(NotYetValid, "live", nil)
	case now.Add(-Leeway).After(r.Expires):
		return Fail(PacketExpired, "live", nil)
	}
	return nil
}

// Consent is the holder's own act on the source's page (PIPL 14, 23, 29, 39; Law 8/2005 art. 6–7; PDPO DPP3).
type Consent struct {
	// Text is the id of the text shown, "macau-guangdong/1"; Hash the lower-case hex SHA-256 of exactly what was shown
	// in Language.
	Text     string
	Hash     string
	Language string
	GivenAt  time.Time
	Purpose  string
	Separate bool
	// By is "self", "guardian" or "agent".
	By string
	// Published is what the source side publishes under Text and Language; the zero value if it publishes none.
	Published ConsentText
}

// Purpose is the one purpose for which a packet may be used.
const Purpose = "code_exchange"

// ConsentText is one published wording of a consent, in one language.
type ConsentText struct {
	ID       string // "macau-guangdong/1"
	Route    Route
	Language string
	Text     string
	Hash     string    // lower-case hex SHA-256 of Text's UTF-8 bytes
	From     time.Time // in force from here …
	Until    time.Time // … until just before here; zero: no end
}

// MaxConsentAge is how long before the packet was made the consent may have been given: a packet's life. An older tick is
// not an act for this transfer.
const MaxConsentAge = MaxPacketLife

// Covers tells whether the consent allows this route at now: consent-missing (none, bundled with other matters, another
// purpose, another wording or one not yet in force, given after the packet was made), consent-expired (given too long
// before the packet was made, or the wording has ended), or wrong-route.
func (c Consent) Covers(route Route, issuedAt, now time.Time) error {
	if faults := c.Faults(route, issuedAt, now); len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// Faults is all that speaks against Covers, in its order; each is a Failure. Of a text that is not published nothing is known,
// so its route and window are not looked at.
func (c Consent) Faults(route Route, issuedAt, now time.Time) (faults []error) {
	published := c.Published
	unknown := published.ID == "" || c.Text != published.ID || c.Language != published.Language || c.Hash != published.Hash
	for _, each := range []struct {
		wrong  bool
		reason Reason
		stage  string
	}{
		{unknown, ConsentMissing, "consent-text"},
		{!unknown && published.Route != route, WrongRoute, "consent-route"},
		{!c.Separate || c.Purpose != Purpose, ConsentMissing, "consent-separate"},
		{!unknown && now.Before(published.From), ConsentMissing, "consent-window"},
		{!unknown && !published.Until.IsZero() && !now.Before(published.Until), ConsentExpired, "consent-window"},
		{c.GivenAt.After(issuedAt.Add(Leeway)), ConsentMissing, "consent-age"},
		{c.GivenAt.Add(MaxConsentAge + Leeway).Before(issuedAt), ConsentExpired, "consent-age"},
	} {
		if each.wrong {
			faults = append(faults, Fail(each.reason, each.stage, nil))
		}
	}
	return faults
}

// Presenter is who shows the packet, when that is not the holder.
type Presenter struct {
	// Relation is "self", "parent", "guardian", "child", "agent" …, from the source's closed list.
	Relation string
}

// Holder is the person the packet speaks of.
type Holder struct {
	Documents []Document // one to three, of different types
	BirthDate Date
	Name      Name
	// Home is where the documents say that the holder is at home: "hongkong", "macau", "mainland", "taiwan" or "foreign"; "" if
	// they do not say. It is read from the documents alone and is never a claim.
	Home string
	// Verified is whether the source compared the person with the document; "unverified" family members are the
	// destination's decision.
	Verified bool
}

// assurance is what Verified is called outside: the word of the packet's claims, for the destination's form.
func (h Holder) assurance() string {
	if h.Verified {
		return "verified"
	}
	return "unverified"
}

// Age is the holder's age in whole years on now's day in UTC+8. Somebody born on 29 February is a year older on 1 March
// of a year that has no such day. A birth date that is known in part is read as the latest day that it can be: nobody is
// taken for older than he is, so a child is never taken for an adult.
func (h Holder) Age(now time.Time) int {
	today, born := DateOf(now), h.BirthDate.Last()
	age := today.Year - born.Year
	if today.Month < born.Month || today.Month == born.Month && today.Day < born.Day {
		age--
	}
	if h.BirthDate.Day == 0 {
		age = max(age, min(0, today.Year-born.Year)) // born this year, on a day that is not known: not before birth
	}
	return age
}

// birthdays lists the beginnings of the days after the one instant and up to the other on which the holder's Age goes up.
func (h Holder) birthdays(after, until time.Time) []time.Time {
	var found []time.Time
	if h.BirthDate == (Date{}) {
		return nil
	}
	for day := DateOf(after).Start().AddDate(0, 0, 1); !day.After(until); day = day.AddDate(0, 0, 1) {
		if h.Age(day) != h.Age(day.Add(-time.Second)) {
			found = append(found, day)
		}
	}
	return found
}

// Document is one travel or identity document whose number has passed the checks of its type.
type Document struct {
	Type string // "home-return-permit", "macau-bir", …
	// Number is canonical: what stays the same when the document is reissued (home return permit: the first 9).
	Number string
}

// Name is a person's name in NFC without control or bidirectional characters. At least one script is present.
type Name struct {
	Han   string
	Latin string
}

// Health is the source's own code at AsOf.
type Health struct {
	Colour  string // from the source's closed list; "none" is 亮码失败
	Subcode string
	AsOf    time.Time
	Until   time.Time // zero: the source names no end
	Reasons []string  // from the source's closed list; empty: none known
}

// Evidence is one test, vaccination, notice or check. Which fields are set depends on Type; a field that the type does
// not have is the zero value.
type Evidence struct {
	Type        string
	Result      string    // tests: "negative", "positive", "pending"
	At          time.Time // sampled_at, checked_at, as_of, given_at, converted_at …: when it was true
	Institution string
	Source      string // "electronic" or "paper"
	AtRisk      bool   // travel-card: risk_area_14d; visit-check: at_risk
	Days        int    // visit-check: how many days were compared
	Doses       int    // vaccination
	Colour      string // province-code, city-code
	Province    string // province-code
	Route       string // conversion: the route of an earlier transcode, "macau-guangdong"
	// Adverse is set where it speaks against the holder: a positive test, a place of risk, a code that is not green. The reader
	// of its type knows.
	Adverse bool
}

// Declaration is one answered form. Of several of one form only the latest is in a Record (最新申报为准).
type Declaration struct {
	Form       string // "macau-entry/1"
	DeclaredAt time.Time
	Answers    map[string]bool
	Adverse    []string // the questions whose answer speaks against the holder, as the form says
}

// Date is a calendar day in UTC+8. A birth date may be known in part: Day is 0 when only the month is known, and Month is 0 as well when
// only the year is.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// First and Last are the first and the last day that a date known in part can be; a whole date is both.
func (d Date) First() Date { return Date{Year: d.Year, Month: max(d.Month, 1), Day: max(d.Day, 1)} }

// Last is described at First.
func (d Date) Last() Date {
	switch {
	case d == (Date{}) || d.Day > 0:
		return d
	case d.Month > 0:
		return DateOf(time.Date(d.Year, d.Month+1, 0, 0, 0, 0, 0, Zone))
	}
	return Date{Year: d.Year, Month: time.December, Day: 31}
}

// Before tells whether d is an earlier day than other; both must be whole.
func (d Date) Before(other Date) bool { return d.Start().Before(other.Start()) }

// ParseBirthDate reads "2006-01-02", and what registries hold of people whose day or month of birth is not known: "2006-01" and "2006",
// and the same written as "2006-01-00" and "2006-00-00".
func ParseBirthDate(s string) (Date, error) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "-00"), "-00")
	for _, form := range []string{time.DateOnly, "2006-01", "2006"} {
		t, err := time.ParseInLocation(form, s, Zone)
		if err != nil {
			continue
		}
		date := DateOf(t)
		switch len(form) {
		case len("2006-01"):
			date.Day = 0
		case len("2006"):
			date.Month, date.Day = 0, 0
		}
		return date, nil
	}
	return Date{}, fmt.Errorf("date: %w", errBadID)
}

// DateOf gives the day of t in UTC+8, whatever the zone of t: a sample taken at 23:30Z counts for the next day.
func DateOf(t time.Time) Date {
	year, month, day := t.In(Zone).Date()
	return Date{Year: year, Month: month, Day: day}
}

// ParseDate reads "2006-01-02".
func ParseDate(s string) (Date, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, Zone)
	if err != nil {
		return Date{}, fmt.Errorf("date: %w", errBadID)
	}
	return DateOf(t), nil
}

// Start is 00:00 UTC+8 of the day.
func (d Date) Start() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, Zone) }

// String is "2006-01-02", or "2006-01" or "2006" of a date known in part; the zero Date is "".
func (d Date) String() string {
	switch {
	case d == (Date{}):
		return ""
	case d.Month == 0:
		return d.First().Start().Format("2006")
	case d.Day == 0:
		return d.First().Start().Format("2006-01")
	}
	return d.Start().Format(time.DateOnly)
}
