package jurisdictions

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosscode/exchange"
)

// MaxClaims is the most bytes of claims that are read; the Verifier has the same limit.
const MaxClaims = 16 << 10

// maxSafe is 2⁵³−1, the largest whole number that every JSON library reads the same (RFC 7493 §2.2).
const maxSafe = 1<<53 - 1

// milliseconds begin where seconds would lie in the year 5138: no NumericDate is so large, and every time since 1973 in
// milliseconds is larger. (health-cards-dev-tools#46: the mistake is common enough to be named.)
const milliseconds = 100_000_000_000

// reading keeps the first thing that is wrong with one packet's claims, so that the readers below need no error each.
// After a fault they go on with zero values, which go nowhere.
type reading struct {
	err error
	// latest is the last instant that a signed fact may bear: a source cannot vouch for what has not happened.
	latest time.Time
}

func (r *reading) refuse(path, format string, args ...any) {
	if r.err == nil {
		r.err = exchange.Invalid(path, format, args...)
	}
}

// object is one JSON object of the claims. Each member is taken once; end refuses those that nobody took.
type object struct {
	*reading
	path    string
	members map[string]jsontext.Value
}

// open reads the whole claims. The decoder compares names exactly, refuses a name that stands twice at any depth, invalid
// UTF-8 and anything after the object; its own error text can quote the input and is never passed on.
func open(data []byte) *object {
	o := &object{reading: &reading{}, path: ""}
	if len(data) > MaxClaims {
		o.refuse("claims", "are longer than %d bytes", MaxClaims)
		return o
	}
	o.decode(data)
	return o
}

func (o *object) decode(value jsontext.Value) {
	if value.Kind() != '{' {
		o.refuse(o.here(), "must be an object")
		return
	}
	if err := json.Unmarshal(value, &o.members); err != nil {
		o.members = nil
		o.refuse(o.here(), "must be one well-formed object, without names that stand twice")
	}
}

// here is the object's own path, for a fault of no one member.
func (o *object) here() string {
	if o.path == "" {
		return "claims"
	}
	return o.path
}

func (o *object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

func (o *object) has(name string) bool {
	_, present := o.members[name]
	return present
}

// take gives a member that must be there and be of one of the kinds, and strikes it off.
func (o *object) take(name, want string, kinds ...jsontext.Kind) (jsontext.Value, bool) {
	value, present := o.members[name]
	delete(o.members, name)
	switch {
	case o.err != nil:
		return nil, false
	case !present:
		o.refuse(o.at(name), "is required")
		return nil, false
	case !slices.Contains(kinds, value.Kind()):
		o.refuse(o.at(name), "must be %s", want)
		return nil, false
	}
	return value, true
}

// visitMembers are names under which back ends have tried to send where somebody has been.
var visitMembers = []string{
	"visits", "visit_records", "visit_history", "records", "venues", "places", "locations", "itinerary", "checkins", "check_ins",
	"history", "trajectory",
}

const rawVisits = "holds raw visit records, which never leave their side; send a visit-check with at_risk, days and checked_at"

// end refuses every member that was not taken: an unknown member is refused, not dropped. It is not named, since a name
// can be personal data as well as a value; the object it stands in is.
func (o *object) end() {
	for _, name := range visitMembers {
		if o.has(name) {
			o.refuse(o.here(), rawVisits)
		}
	}
	if len(o.members) > 0 {
		o.refuse(o.here(), "has a member that is not known here; names are compared exactly, in lower case")
	}
}

// child opens a member that is an object; without one the child is empty, and so is all that is read of it.
func (o *object) child(name string) *object {
	child := &object{reading: o.reading, path: o.at(name)}
	if value, ok := o.take(name, "an object", '{'); ok {
		child.decode(value)
	}
	return child
}

// list takes an array of least to most values.
func (o *object) list(name string, least, most int) []jsontext.Value {
	value, ok := o.take(name, "a list", '[')
	if !ok {
		return nil
	}
	var values []jsontext.Value
	if err := json.Unmarshal(value, &values); err != nil {
		o.refuse(o.at(name), "must be a well-formed list")
		return nil
	}
	if len(values) < least || len(values) > most {
		o.refuse(o.at(name), "must have %d to %d entries", least, most)
		return nil
	}
	return values
}

// objects is a list of objects.
func (o *object) objects(name string, least, most int) []*object {
	var objects []*object
	for i, value := range o.list(name, least, most) {
		item := &object{reading: o.reading, path: fmt.Sprintf("%s[%d]", o.at(name), i)}
		item.decode(value)
		objects = append(objects, item)
	}
	return objects
}

// text takes a string of at most so many characters.
func (o *object) text(name string, most int) string {
	value, ok := o.take(name, "a string", '"')
	if !ok {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil || utf8.RuneCount(text) > most {
		o.refuse(o.at(name), "must have at most %d characters", most)
		return ""
	}
	return string(text)
}

// match takes a string of a certain form, which want describes.
func (o *object) match(name string, form *regexp.Regexp, want string) string {
	text := o.text(name, 256)
	if o.err == nil && !form.MatchString(text) {
		o.refuse(o.at(name), "must be %s", want)
	}
	return text
}

// word takes one word of a closed list. What the list holds is public and may be said; what was sent may not.
func (o *object) word(name string, allowed []string) string {
	text := o.text(name, 64)
	if o.err == nil && !slices.Contains(allowed, text) {
		o.refuse(o.at(name), "must be one of %v", allowed)
	}
	return text
}

// words takes a list of different words of a closed list.
func (o *object) words(name string, allowed []string, most int) []string {
	words := []string{}
	for i, value := range o.list(name, 0, most) {
		var word string
		if err := json.Unmarshal(value, &word); err != nil || !slices.Contains(allowed, word) || slices.Contains(words, word) {
			o.refuse(fmt.Sprintf("%s[%d]", o.at(name), i), "must be one of %v, once", allowed)
		}
		words = append(words, word)
	}
	return words
}

func (o *object) flag(name string) bool {
	value, ok := o.take(name, "true or false", 't', 'f')
	return ok && value.Kind() == 't'
}

var wholePattern = regexp.MustCompile(`\A(?:0|[1-9][0-9]{0,15})\z`)

// whole takes a whole number written without fraction, exponent or sign, from least to most.
func (o *object) whole(name string, least, most int64) int64 {
	value, ok := o.take(name, "a whole number", '0')
	if !ok {
		return 0
	}
	number, err := strconv.ParseInt(string(value), 10, 64)
	switch {
	case err != nil || !wholePattern.Match(value) || number > maxSafe:
		o.refuse(o.at(name), "must be a whole number below 2^53")
	case number < least || number > most:
		o.refuse(o.at(name), "must be from %d to %d", least, most)
	}
	return number
}

// seconds takes a NumericDate.
func (o *object) seconds(name string) time.Time {
	number := o.whole(name, 0, maxSafe)
	if number >= milliseconds {
		o.refuse(o.at(name), "is in milliseconds; a NumericDate counts seconds")
	}
	return time.Unix(number, 0)
}

var (
	instantPattern   = regexp.MustCompile(`\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\z`)
	offsetlessSuffix = regexp.MustCompile(`T[\d:.]+(?:-00:00)?\z`)
	firstInstant     = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant      = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// instant takes an RFC 3339 time with an offset. A time without one, or with the "-00:00" that RFC 3339 §4.3 keeps for
// "offset unknown", would be guessed, and a guess of eight hours moves a sampling day. The years are bounded so that no
// time that is named can be mistaken for the zero time, which means "none".
func (o *object) instant(name string) time.Time {
	text := o.text(name, 40)
	if o.err != nil {
		return time.Time{}
	}
	if offsetlessSuffix.MatchString(text) {
		o.refuse(o.at(name), "has no offset from UTC; write it with one, such as +08:00")
		return time.Time{}
	}
	instant, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !instantPattern.MatchString(text) || instant.Before(firstInstant) || !instant.Before(lastInstant) {
		o.refuse(o.at(name), "must be an RFC 3339 time of this century with its offset")
		return time.Time{}
	}
	return instant
}

// past takes an instant that is not later than the packet, give or take the leeway of two clocks.
func (o *object) past(name string) time.Time {
	instant := o.instant(name)
	if instant.After(o.latest) {
		o.refuse(o.at(name), "is later than the packet that says it")
	}
	return instant
}

// day takes a calendar day, "1990-01-02".
func (o *object) day(name string) exchange.Date {
	text := o.text(name, 10)
	if o.err != nil {
		return exchange.Date{}
	}
	date, err := exchange.ParseDate(text)
	if err != nil {
		o.refuse(o.at(name), "must be a day, such as 2000-12-31")
		return exchange.Date{}
	}
	return date
}
