package jurisdictions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"crosscode/exchange"
)

// Schema is a JSON Schema (draft 2020-12), as much of one as the claims need. Members keep their order, for the packet guide; the
// other fields are the keywords of the same names.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Const       string             `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MinLength   int                `json:"minLength,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	UniqueItems bool               `json:"uniqueItems,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Closed      *bool              `json:"additionalProperties,omitempty"` // false: no other members
	AllOf       []*Schema          `json:"allOf,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
	If          *Schema            `json:"if,omitempty"`
	Then        *Schema            `json:"then,omitempty"`

	Members []string `json:"-"` // the names of Properties, in the order in which they are told
}

// SchemaSilent lists what Read checks and ClaimsSchema cannot say. What the schema refuses, Read refuses; what it accepts, Read
// may still refuse for one of these.
func SchemaSilent() []string {
	return []string{
		fmt.Sprintf("claims are at most %d bytes long, and no name stands twice in one object", MaxClaims),
		"a whole number is written without sign, fraction or exponent",
		fmt.Sprintf("exp is after iat and nbf, and at most %s after iat", inSeconds(exchange.MaxPacketLife)),
		"dst is another side than iss",
		"a time is one of the calendar, from 2000 to 2099, and its offset is not -00:00",
		fmt.Sprintf("no fact is later than iat, give or take %s; health.until is after health.as_of", inSeconds(exchange.Leeway)),
		fmt.Sprintf("a birth date is a day of the calendar within the last %d years", maxAge),
		"a name has letters of its own script alone, and separators between them",
		"a number has the form of its document type, its check digit, and the holder's birth date where it holds one",
		"no two documents are of one type",
		"health.subcode is one of the colour's own",
		"who consented fits the holder's age and the presenter's relation",
		"no two declarations of one form are of one instant",
		"evidence.route of a conversion is the id of a route between two sides",
	}
}

func inSeconds(length time.Duration) string {
	return fmt.Sprintf("%d seconds", int(length/time.Second))
}

// ClaimsSchema is the schema of what Read reads from these sides; each vocabulary must be complete. It is put together from
// the patterns, bounds and lists of words that Read itself has. The id is the URL at which it is served.
func ClaimsSchema(id string, sides ...Vocabulary) *Schema {
	ids := make([]string, len(sides))
	for i, vocabulary := range sides {
		ids[i] = string(vocabulary.Side)
	}
	root := objectOf(
		must("iss", wordOf(ids).says("the side that signs")),
		must("aud", formOf(audiencePattern.String()).says("the gateway's URL, the issuer in its metadata; one string")),
		must("dst", formOf(sidePattern.String()).says("the side that the holder goes to")),
		may("port", textOf(maxPort).says("the border crossing, where it is known; without one the rules of all ports hold")),
		must("channel", textOf(maxWord).says("how the holder logged in at iss")),
		must("jti", formOf(jtiPattern.String()).says("at least 128 random bits in base64url, new for each packet")),
		must("iat", secondsOf().says("when the packet was made: NumericDate, whole seconds since 1970 UTC")),
		must("nbf", secondsOf().says("from when it may be used; usually iat")),
		must("exp", secondsOf().says("until when it may be used; at most "+inSeconds(exchange.MaxPacketLife)+" after iat")),
		must("holder", holderSchema(sides)),
		must("consent", consentSchema()),
		may("presenter", objectOf(must("relation", wordOf(relationsOf(sides)).says("what the presenter is to the holder"))).
			says("who shows the packet; absent: the holder")),
		must("health", healthSchema()),
		may("evidence", arrayOf(evidenceSchema(), 0, MaxEvidence).says("tests, vaccinations, notices and checks; see the evidence types")),
		may("declarations", arrayOf(declarationSchema(sides), 0, MaxDeclarations).says("forms that the holder answered; of one form the latest counts")),
	)
	root.Dialect, root.ID = "https://json-schema.org/draft/2020-12/schema", id
	root.Title = "Claims of a Crosscode consent packet"
	root.Description = "A member that is null counts as absent. Beyond this schema: " + strings.Join(SchemaSilent(), "; ") + "."
	for _, vocabulary := range sides {
		root.AllOf = append(root.AllOf, sideSchema(vocabulary))
		root.AllOf = append(root.AllOf, portSchemas(vocabulary, ids)...)
	}
	return root
}

// The most characters of a port, of a word of a closed list, of a route and of a time.
const (
	maxPort      = 16
	maxWord      = 64
	maxRouteText = 40
	maxInstant   = 40
)

func holderSchema(sides []Vocabulary) *Schema {
	types := map[string]bool{}
	for _, vocabulary := range sides {
		for kind := range vocabulary.Documents {
			types[kind] = true
		}
	}
	document := objectOf(
		must("type", wordOf(sortedKeys(types)).says("see the document types")),
		must("number", textOf(MaxDocumentNumber).says("as printed; blanks, brackets, full-width and lower-case letters are folded")),
	)
	name := objectOf(
		may("han", lettersOf(MaxHanName).says("in Chinese characters, as the document has it")),
		may("latin", lettersOf(MaxLatinName).says("in Latin letters, as the document has it")),
	)
	name.AnyOf = []*Schema{textThere("han"), textThere("latin")}
	return objectOf(
		must("documents", arrayOf(document, 1, MaxDocuments).says("each of another type")),
		must("birth_date", formOf(`^\d{4}(-\d\d){0,2}$`).says("1990-01-02; of a date known in part 1990-01 or 1990, or the same with 00")),
		must("name", name.says("han, latin or both")),
		must("assurance", wordOf(assurances).says("whether iss compared the person with the document")),
	)
}

func consentSchema() *Schema {
	return objectOf(
		must("text", formOf(consentTextPattern.String()).says("the id of the text shown; GET /v1/consents/{route} lists them")),
		must("sha256", formOf(hashPattern.String()).says("of the UTF-8 bytes of the text shown")),
		must("lang", wordOf(exchange.Languages()).says("the language in which it was shown")),
		must("given_at", momentOf().says("when the holder agreed: at most "+inSeconds(exchange.MaxConsentAge)+" before iat, and not after it")),
		must("purpose", formOf(purposePattern.String()).says(exchange.Purpose+"; any other is refused as consent-missing")),
		must("separate", (&Schema{Type: "boolean"}).says("true: agreed to apart from everything else; false is refused as consent-missing")),
		must("by", wordOf(consentGivers).says("who agreed")),
	)
}

func healthSchema() *Schema {
	return objectOf(
		must("colour", textOf(maxWord).says("a word of the side's own")),
		may("subcode", textOf(maxWord).says("a word that the side has for this colour, or empty")),
		must("as_of", momentOf().says("when the colour was looked up")),
		may("until", momentOf().says("when it ends, if the side knows")),
		must("reasons", arrayOf(textOf(maxWord), 0, MaxReasons).says("why the colour is what it is: words of the side's own, each once; empty if none is known")),
	)
}

// evidenceMembers say what the reader of each type in evidenceKinds takes.
func evidenceMembers() map[string][]schemaMember {
	at := func(name, says string) schemaMember { return must(name, momentOf().says(says)) }
	institution := (&Schema{Type: "string"}).says(fmt.Sprintf("who made it; cut after %d characters", MaxInstitution))
	medium := must("source", wordOf(mediums).says("from a system, or from paper"))
	origin := []schemaMember{must("institution", institution), medium}
	result := []schemaMember{must("result", wordOf(results)), at("sampled_at", "the sampling, never the report")}
	issued := append([]schemaMember{at("issued_at", "the day on the notice")}, origin...)
	colour := must("colour", wordOf(codeColours))
	return map[string][]schemaMember{
		"nucleic-acid": slices.Concat(result, origin), "antibody-igg": slices.Concat(result, origin),
		"rapid-antigen":  slices.Concat(result, []schemaMember{may("institution", institution), medium}),
		"vaccination":    slices.Concat([]schemaMember{must("doses", wholeOf(1, maxDoses)), at("given_at", "the latest dose")}, origin),
		"release-notice": issued, "health-proof": issued,
		"travel-card": {must("risk_area_14d", &Schema{Type: "boolean"}), at("as_of", "the query")},
		"visit-check": {
			must("at_risk", &Schema{Type: "boolean"}),
			must("days", wholeOf(1, maxDays).says("how many days were compared; the visits themselves are never sent")),
			at("checked_at", "the comparison"),
		},
		"province-code": {colour, must("province", wordOf(provinces)), at("as_of", "the query")},
		"city-code":     {colour, at("as_of", "the query")},
		"conversion":    {must("route", textOf(maxRouteText).says("the route of an earlier conversion")), at("converted_at", "that conversion")},
	}
}

func evidenceSchema() *Schema {
	either, members := &Schema{}, evidenceMembers()
	for _, kind := range evidenceNames {
		either.AnyOf = append(either.AnyOf, objectOf(append([]schemaMember{must("type", &Schema{Const: kind})}, members[kind]...)...))
	}
	return either
}

func declarationSchema(sides []Vocabulary) *Schema {
	either, told := &Schema{}, map[string]bool{}
	for _, vocabulary := range sides {
		for _, form := range vocabulary.Forms {
			if told[form.ID] {
				continue
			}
			told[form.ID] = true
			var answers []schemaMember
			for _, question := range form.Questions {
				answers = append(answers, must(question.ID, (&Schema{Type: "boolean"}).says(question.En)))
			}
			either.AnyOf = append(either.AnyOf, objectOf(
				must("form", &Schema{Const: form.ID}), must("declared_at", momentOf()), must("answers", objectOf(answers...)),
			))
		}
	}
	return either
}

// sideSchema is the words that one side has.
func sideSchema(vocabulary Vocabulary) *Schema {
	subcodes := []string{""}
	for _, each := range slices.Sorted(maps.Keys(vocabulary.Subcodes)) {
		subcodes = append(subcodes, vocabulary.Subcodes[each]...)
	}
	health := &Schema{Properties: map[string]*Schema{
		"colour": {Enum: sortedKeys(vocabulary.Colours)}, "subcode": orNull(&Schema{Enum: subcodes}),
		"reasons": {Items: &Schema{Enum: vocabulary.Reasons}, UniqueItems: true},
	}}
	presenter := &Schema{Properties: map[string]*Schema{"relation": {Enum: relationsOf([]Vocabulary{vocabulary})}}}
	return &Schema{
		If: ifConst("iss", string(vocabulary.Side)),
		Then: &Schema{Properties: map[string]*Schema{
			"channel": {Enum: vocabulary.Channels}, "health": health, "presenter": presenter,
		}},
	}
}

// portSchemas are the ports of each route from a side. Where there are none, Read checks none.
func portSchemas(vocabulary Vocabulary, ids []string) (each []*Schema) {
	for _, to := range ids {
		route := exchange.Route{From: vocabulary.Side, To: exchange.Side(to)}
		ports := []string{""}
		for _, port := range vocabulary.Ports.On(route).IDs() {
			ports = append(ports, string(port))
		}
		if route.From == route.To || len(ports) == 1 {
			continue
		}
		over := &Schema{AllOf: []*Schema{ifConst("iss", string(route.From)), ifConst("dst", to)}}
		each = append(each, &Schema{If: over, Then: &Schema{Properties: map[string]*Schema{"port": orNull(&Schema{Enum: ports})}}})
	}
	return each
}

func relationsOf(sides []Vocabulary) []string {
	relations := []string{relationSelf}
	for _, vocabulary := range sides {
		for _, by := range consentGivers {
			relations = append(relations, vocabulary.Relations[by]...)
		}
	}
	slices.Sort(relations)
	return slices.Compact(relations)
}

// schemaMember is one member of an object.
type schemaMember struct {
	name     string
	required bool
	schema   *Schema
}

func must(name string, schema *Schema) schemaMember { return schemaMember{name, true, schema} }

// may is an optional member, which may be null as well.
func may(name string, schema *Schema) schemaMember { return schemaMember{name, false, schema} }

func objectOf(members ...schemaMember) *Schema {
	closed := false
	object := &Schema{Type: "object", Properties: map[string]*Schema{}, Closed: &closed}
	for _, each := range members {
		object.Members = append(object.Members, each.name)
		object.Properties[each.name] = each.schema
		if each.required {
			object.Required = append(object.Required, each.name)
			continue
		}
		object.Properties[each.name] = orNull(each.schema)
	}
	return object
}

func orNull(schema *Schema) *Schema {
	return &Schema{Description: schema.Description, AnyOf: []*Schema{schema, {Type: "null"}}}
}

func arrayOf(items *Schema, least, most int) *Schema {
	return &Schema{Type: "array", Items: items, MinItems: least, MaxItems: most}
}

func textOf(most int) *Schema { return &Schema{Type: "string", MaxLength: most} }

func lettersOf(most int) *Schema { return &Schema{Type: "string", MinLength: 1, MaxLength: most} }

// wordOf has no type of its own: all of its words are strings.
func wordOf(words []string) *Schema { return &Schema{Enum: words} }

// formOf turns an RE2 pattern of this package into one that ECMA-262 reads the same.
func formOf(pattern string) *Schema {
	return &Schema{Type: "string", Pattern: strings.NewReplacer(`\A`, `^`, `\z`, `$`).Replace(pattern)}
}

// momentOf accepts "t" and "z" in lower case, as instant does.
func momentOf() *Schema {
	form := formOf(strings.NewReplacer("T", "[Tt]", "Z", "[Zz]").Replace(instantPattern.String()))
	form.MaxLength = maxInstant
	return form
}

func wholeOf(least, most int64) *Schema {
	return &Schema{Type: "integer", Minimum: &least, Maximum: &most}
}

func secondsOf() *Schema { return wholeOf(0, milliseconds-1) }

func ifConst(name, value string) *Schema {
	return &Schema{Properties: map[string]*Schema{name: {Const: value}}, Required: []string{name}}
}

// textThere is an object with this member, not null.
func textThere(name string) *Schema {
	return &Schema{Properties: map[string]*Schema{name: {Type: "string"}}, Required: []string{name}}
}

func (s *Schema) says(description string) *Schema {
	s.Description = description
	return s
}
