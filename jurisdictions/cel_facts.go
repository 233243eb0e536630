package jurisdictions

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"crosscode/exchange"
)

// The view of a record that rules see: facts that are true or false of this packet, and nothing that names the holder.
// Numbers, names and birth dates are not in it, so that no rule and no error of a rule can give them away.
//
// Each type tells which of its facts are known. To read one that is not known is an error, and an error blocks: were it
// the zero value, `health.colour != "red"` would hold for a packet that shows no colour at all.
type (
	packetFacts struct {
		IssuedAt    time.Time `cel:"issued_at"`
		Port        string    `cel:"port"` // "" is known: the packet names no port
		Channel     string    `cel:"channel"`
		Route       string    `cel:"route"`
		Source      string    `cel:"source"`
		Destination string    `cel:"destination"`
	}
	holderFacts struct {
		Age       int              `cel:"age"`
		Verified  bool             `cel:"verified"`
		Home      string           `cel:"home"`
		Documents []*documentFacts `cel:"documents"`
		born      bool             // Age is known
	}
	documentFacts struct {
		Type string `cel:"type"`
	}
	presenterFacts struct {
		Relation string `cel:"relation"`
	}
	consentFacts struct {
		By string `cel:"by"`
	}
	healthFacts struct {
		Colour  string    `cel:"colour"`
		Subcode string    `cel:"subcode"` // "" is known wherever health is: no sub-code
		AsOf    time.Time `cel:"as_of"`
		Reasons []string  `cel:"reasons"` // empty is known wherever health is: no reason known
	}
	evidenceFacts struct {
		Type        string    `cel:"type"`
		Result      string    `cel:"result"`
		At          time.Time `cel:"at"`
		Source      string    `cel:"source"`
		Institution string    `cel:"institution"`
		AtRisk      bool      `cel:"at_risk"`
		Days        int       `cel:"days"`
		Doses       int       `cel:"doses"`
		Colour      string    `cel:"colour"`
		Province    string    `cel:"province"`
		Route       string    `cel:"route"`
		// Superseded and Contradicted compare it with the other evidence (exchange.Record).
		Superseded   bool     `cel:"superseded"`
		Contradicted bool     `cel:"contradicted"`
		told         []string // which of at_risk, days and doses are known
	}
	declarationFacts struct {
		Form       string          `cel:"form"`
		DeclaredAt time.Time       `cel:"declared_at"`
		Answers    map[string]bool `cel:"answers"`
		Adverse    []string        `cel:"adverse"` // the questions whose answer speaks against the holder; empty is known
	}
)

// countedFacts lists, by type of evidence, the facts whose zero value means something. A Record always has them, since
// reading a packet without them fails; evidence of any other type never has them.
var countedFacts = map[string][]string{
	"nucleic-acid": nil, "antibody-igg": nil, "rapid-antigen": nil, "release-notice": nil, "health-proof": nil,
	"province-code": nil, "city-code": nil, "conversion": nil,
	"vaccination": {"doses"},
	"travel-card": {"at_risk"},
	"visit-check": {"at_risk", "days"},
}

// facts is what every view type can tell of itself: whether the fact with this CEL name is known.
type facts interface{ known(name string) bool }

func (p *packetFacts) known(name string) bool {
	switch name {
	case "issued_at":
		return !p.IssuedAt.IsZero()
	case "channel":
		return p.Channel != ""
	case "route":
		return p.Route != ""
	case "source":
		return p.Source != ""
	case "destination":
		return p.Destination != ""
	}
	return true
}

func (h *holderFacts) known(name string) bool {
	switch name {
	case "age":
		return h.born
	case "home":
		return h.Home != ""
	}
	return true
}

func (d *documentFacts) known(string) bool { return d.Type != "" }

func (p *presenterFacts) known(string) bool { return p.Relation != "" }

func (c *consentFacts) known(string) bool { return c.By != "" }

func (h *healthFacts) known(name string) bool {
	switch name {
	case "colour":
		return h.Colour != ""
	case "as_of":
		return !h.AsOf.IsZero()
	}
	return h.Colour != "" || h.Subcode != "" || !h.AsOf.IsZero() || h.Reasons != nil
}

func (e *evidenceFacts) known(name string) bool {
	switch name {
	case "type":
		return e.Type != ""
	case "at":
		return !e.At.IsZero()
	case "result":
		return e.Result != ""
	case "source":
		return e.Source != ""
	case "institution":
		return e.Institution != ""
	case "colour":
		return e.Colour != ""
	case "province":
		return e.Province != ""
	case "route":
		return e.Route != ""
	}
	return name == "superseded" || name == "contradicted" || slices.Contains(e.told, name)
}

func (d *declarationFacts) known(name string) bool {
	switch name {
	case "form", "adverse":
		return d.Form != ""
	case "declared_at":
		return !d.DeclaredAt.IsZero()
	}
	return d.Answers != nil
}

// factTypes registers the view types. The CEL name of each is "jurisdictions.<Go name>".
func factTypes() cel.EnvOption {
	return ext.NativeTypes(
		reflect.TypeFor[packetFacts](), reflect.TypeFor[holderFacts](), reflect.TypeFor[documentFacts](),
		reflect.TypeFor[presenterFacts](), reflect.TypeFor[consentFacts](), reflect.TypeFor[healthFacts](),
		reflect.TypeFor[evidenceFacts](), reflect.TypeFor[declarationFacts](),
		ext.ParseStructTag("cel"),
	)
}

func factType(name string) *cel.Type { return cel.ObjectType("jurisdictions." + name) }

var evidenceType = factType("evidenceFacts")

// factVariables declares what every expression can see beside its rule's own parameters.
func factVariables() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Variable("now", cel.TimestampType),
		cel.Variable("packet", factType("packetFacts")),
		cel.Variable("holder", factType("holderFacts")),
		cel.Variable("presenter", factType("presenterFacts")),
		cel.Variable("consent", factType("consentFacts")),
		cel.Variable("health", factType("healthFacts")),
		cel.Variable("evidence", cel.ListType(evidenceType)),
		cel.Variable("declarations", cel.ListType(factType("declarationFacts"))),
	}
}

var variableNames = []string{"now", "packet", "holder", "presenter", "consent", "health", "evidence", "declarations"}

// knownOnly wraps the type provider so that a fact that is not known is an error when it is read, and absent for has().
func knownOnly(env *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(knownOnlyProvider{env.CELTypeProvider()})(env)
}

type knownOnlyProvider struct{ types.Provider }

func (p knownOnlyProvider) FindStructFieldType(structType, name string) (*types.FieldType, bool) {
	field, found := p.Provider.FindStructFieldType(structType, name)
	if !found {
		return nil, false
	}
	get, unknown := field.GetFrom, fmt.Errorf("%s.%s is not known", variableOf(structType), name)
	return &types.FieldType{
		Type:  field.Type,
		IsSet: func(object any) bool { f, ok := object.(facts); return ok && f.known(name) },
		GetFrom: func(object any) (any, error) {
			if f, ok := object.(facts); !ok || !f.known(name) {
				return nil, unknown
			}
			return get(object)
		},
	}, true
}

// variableOf turns "jurisdictions.healthFacts" into "health".
func variableOf(structType string) string {
	const prefix, suffix = "jurisdictions.", "Facts"
	if len(structType) <= len(prefix)+len(suffix) {
		return structType
	}
	return structType[len(prefix) : len(structType)-len(suffix)]
}

// view is what rules see of one record at one instant. It is used by one goroutine.
type view struct {
	now          time.Time
	brought      time.Time // zero: at now
	packet       packetFacts
	holder       holderFacts
	presenter    presenterFacts
	consent      consentFacts
	health       healthFacts
	evidence     []evidenceFacts
	declarations []declarationFacts

	// with is the parameters of the rule that is being evaluated. Their names never hide a variable. once is whether it is
	// asked once.
	with map[string]ref.Val
	once bool
	// large is set when a list is longer than cost estimates reckon with.
	large bool
	// What rules ask for again and again, as CEL values.
	instant, evidences, declared ref.Val
}

func newView(record *exchange.Record, route exchange.Route, now time.Time) *view {
	v := &view{
		now: now, brought: record.Brought,
		packet: packetFacts{
			IssuedAt: record.IssuedAt, Port: string(record.Port), Channel: record.Channel,
			Route: route.String(), Source: string(route.From), Destination: string(route.To),
		},
		presenter:    presenterFacts{Relation: record.Presenter.Relation},
		consent:      consentFacts{By: record.Consent.By},
		health:       healthOf(record.Health),
		holder:       holderOf(record.Holder, now),
		evidence:     make([]evidenceFacts, len(record.Evidence)),
		declarations: make([]declarationFacts, len(record.Declarations)),
	}
	for i, evidence := range record.Evidence {
		v.evidence[i] = evidenceOf(evidence)
	}
	v.compareEvidence(record)
	for i, declaration := range record.Declarations {
		v.declarations[i] = declarationFacts(declaration)
		v.large = v.large || len(declaration.Answers) > maxItems
	}
	v.large = v.large || max(len(v.evidence), len(v.declarations), len(v.holder.Documents), len(v.health.Reasons)) > maxItems
	return v
}

// compareEvidence fills in how the pieces of the record's evidence, which are those of the view, stand to each other.
func (v *view) compareEvidence(record *exchange.Record) {
	for i := range v.evidence {
		v.evidence[i].Superseded, v.evidence[i].Contradicted = record.Superseded(i), record.Contradicted(i)
	}
}

func healthOf(health exchange.Health) healthFacts {
	return healthFacts{Colour: health.Colour, Subcode: health.Subcode, AsOf: health.AsOf, Reasons: health.Reasons}
}

func holderOf(holder exchange.Holder, now time.Time) holderFacts {
	f := holderFacts{Verified: holder.Verified, Home: holder.Home, Documents: make([]*documentFacts, len(holder.Documents))}
	if f.born = holder.BirthDate != (exchange.Date{}); f.born {
		f.Age = holder.Age(now)
	}
	for i, document := range holder.Documents {
		f.Documents[i] = &documentFacts{Type: document.Type}
	}
	return f
}

func evidenceOf(e exchange.Evidence) evidenceFacts {
	return evidenceFacts{
		Type: e.Type, Result: e.Result, At: e.At, Source: e.Source, Institution: e.Institution, AtRisk: e.AtRisk,
		Days: e.Days, Doses: e.Doses, Colour: e.Colour, Province: e.Province, Route: e.Route, told: countedFacts[e.Type],
	}
}

// ResolveName implements cel.Activation. Values that cost something to make are made when a rule first asks.
func (v *view) ResolveName(name string) (any, bool) {
	switch name {
	case "now":
		return v.askedAt(), true
	case "packet":
		return &v.packet, true
	case "holder":
		return &v.holder, true
	case "presenter":
		return &v.presenter, true
	case "consent":
		return &v.consent, true
	case "health":
		return &v.health, true
	case "evidence":
		if v.evidences == nil {
			v.evidences = listOf(v.evidence)
		}
		return v.evidences, true
	case "declarations":
		if v.declared == nil {
			v.declared = listOf(v.declarations)
		}
		return v.declared, true
	}
	value, found := v.with[name]
	return value, found
}

// askedAt is the instant that the rule is asked about: for one that is asked once, when the packet was brought.
func (v *view) askedAt() ref.Val {
	if v.once && !v.brought.IsZero() {
		return types.Timestamp{Time: v.brought}
	}
	if v.instant == nil {
		v.instant = types.Timestamp{Time: v.now}
	}
	return v.instant
}

// Parent implements cel.Activation.
func (v *view) Parent() cel.Activation { return nil }

// listOf gives pointers to CEL, since only a pointer knows which of its facts are known.
func listOf[T any](items []T) ref.Val {
	adapter := expressions().CELTypeAdapter()
	values := make([]ref.Val, len(items))
	for i := range items {
		values[i] = adapter.NativeToValue(&items[i])
	}
	return types.NewRefValList(adapter, values)
}
