package jurisdictions

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosscode/exchange"
)

// MaxClaims is the most bytes of claims that are read; the Verifier has the same limit.
const MaxClaims = exchange.MaxClaims

// maxSafe is 2⁵³−1, the largest whole number that every JSON library reads the same (RFC 7493 §2.2).
const maxSafe = 1<<53 - 1

// milliseconds begin where seconds would lie in the year 5138: no NumericDate is so large, and every time since 1973 in
// milliseconds is larger. (health-cards-dev-tools#46: the mistake is common enough to be named.)
const milliseconds = 100_000_000_000

// ReadFault is one thing that is wrong with a packet's claims. It never repeats a value.
type ReadFault struct {
	// Pointer is the member's JSON pointer (RFC 6901), "/holder/documents/0/number"; "" for the claims as a whole.
	Pointer string
	Why     string
}

// MaxReadFaults is how many faults of one packet are told. A hostile one could have thousands.
const MaxReadFaults = 32

// reading keeps what is wrong with one packet's claims, so that the readers below need no error each. After a fault they
// go on with zero values, which go nowhere.
type reading struct {
	faults []fieldFault
	// latest is the last instant that a signed fact may bear: a source cannot vouch for what has not happened. Zero: it
	// is not known, since the packet's own times are wrong.
	latest time.Time
}

// fieldFault is the failure of one member; the member's path is "holder.documents[0].number".
type fieldFault struct {
	path string
	err  error
}

func (r *reading) refuse(path, format string, args ...any) {
	r.fail(path, exchange.Invalid(path, format, args...))
}

// fail notes a failure, unless the member or something that it stands in has one already: the first fault of a member is
// the cause of the others.
func (r *reading) fail(path string, err error) {
	if r.sound(path) && len(r.faults) < MaxReadFaults {
		r.faults = append(r.faults, fieldFault{path: path, err: err})
	}
}

// sound tells whether nothing is wrong with the members, nor with what they stand in.
func (r *reading) sound(paths ...string) bool {
	for _, known := range r.faults {
		for _, path := range paths {
			inner, within := strings.CutPrefix(path, known.path)
			if known.path == wholeClaims || within && (inner == "" || inner[0] == '.' || inner[0] == '[') {
				return false
			}
		}
	}
	return true
}

// first is the error of the first fault, nil without one.
func (r *reading) first() error {
	if len(r.faults) == 0 {
		return nil
	}
	return r.faults[0].err
}

// told lists the faults as a back-end team is told them.
func (r *reading) told() []ReadFault {
	told := make([]ReadFault, 0, len(r.faults))
	for _, fault := range r.faults {
		why := fault.err.Error()
		var failure *exchange.Failure
		if errors.As(fault.err, &failure) && failure.Cause != nil {
			why = failure.Cause.Error()
		}
		told = append(told, ReadFault{Pointer: pointer(fault.path), Why: why})
	}
	return told
}

// wholeClaims is the path of a fault of the claims as a whole.
const wholeClaims = "claims"

// pointer turns a path into a JSON pointer. The paths hold names of this package alone, so nothing needs an escape.
func pointer(path string) string {
	if path == wholeClaims {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path)
}

// object is one JSON object of the claims. Each member is taken once; end refuses those that nobody took.
type object struct {
	*reading
	path    string
	members map[string]jsontext.Value
	nulls   map[string]bool // members that are null, until somebody asks for them
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
	// Many serialisers write null for a member that is not there. It is taken as not there: an optional one is absent, a
	// required one is missing, and one that is not known is refused all the same.
	for name, value := range o.members {
		if value.Kind() == 'n' {
			if o.nulls == nil {
				o.nulls = map[string]bool{}
			}
			o.nulls[name] = true
			delete(o.members, name)
		}
	}
}

// here is the object's own path, for a fault of no one member.
func (o *object) here() string {
	if o.path == "" {
		return wholeClaims
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
	delete(o.nulls, name)
	return present
}

// take gives a member that must be there and be of one of the kinds, and strikes it off.
func (o *object) take(name, want string, kinds ...jsontext.Kind) (jsontext.Value, bool) {
	value, present := o.members[name]
	delete(o.members, name)
	delete(o.nulls, name)
	switch {
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
		if _, present := o.members[name]; present || o.nulls[name] {
			o.refuse(o.here(), rawVisits)
		}
	}
	if len(o.members)+len(o.nulls) > 0 {
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
	if !form.MatchString(text) {
		o.refuse(o.at(name), "must be %s", want)
	}
	return text
}

// word takes one word of a closed list. What the list holds is public and may be said; what was sent may not.
func (o *object) word(name string, allowed []string) string {
	text := o.text(name, maxWord)
	if !slices.Contains(allowed, text) {
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
	secondlessForm   = regexp.MustCompile(`T\d\d:\d\d(?:Z|[+-]\d\d:\d\d)\z`)
	leapSecond       = regexp.MustCompile(`:60(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\z`)
	offsetlessSuffix = regexp.MustCompile(`T[\d:.]+(?:-00:00)?\z`)
	firstInstant     = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant      = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// instant takes an RFC 3339 time with an offset; "t" and "z" may be in lower case (§5.6). A time without an offset, or with
// the "-00:00" that §4.3 keeps for "offset unknown", would be guessed, and a guess of eight hours moves a sampling day. The
// years are bounded so that no time that is named can be mistaken for the zero time, which means "none".
//
// Second 60 is a leap second, or a clock that counts so. It is read as the last nanosecond of second 59: one later would be the
// next day, and a sample would count for that.
func (o *object) instant(name string) time.Time {
	text := strings.ToUpper(o.text(name, maxInstant))
	if !o.sound(o.at(name)) {
		return time.Time{}
	}
	switch {
	case offsetlessSuffix.MatchString(text):
		o.refuse(o.at(name), "has no offset from UTC; write it with one, such as +08:00")
		return time.Time{}
	case secondlessForm.MatchString(text):
		o.refuse(o.at(name), "has no seconds; write them even where they are 00, such as 07:30:00+08:00")
		return time.Time{}
	}
	written := leapSecond.ReplaceAllString(text, ":59.999999999$2")
	instant, err := time.Parse(time.RFC3339Nano, written)
	if err != nil || !instantPattern.MatchString(text) || instant.Before(firstInstant) || !instant.Before(lastInstant) {
		o.refuse(o.at(name), "must be an RFC 3339 time of this century with its offset, such as 2026-11-20T07:30:00+08:00")
		return time.Time{}
	}
	return instant
}

// past takes an instant that is not later than the packet, give or take the leeway of two clocks.
func (o *object) past(name string) time.Time {
	instant := o.instant(name)
	if !o.latest.IsZero() && instant.After(o.latest) {
		o.refuse(o.at(name), "is later than the packet that says it")
	}
	return instant
}

// birthday takes a day, a month or a year: "1990-01-02", "1990-01" or "1990". Registries hold people whose day or month of birth
// is not known, and write 00 for it; "1990-00-00" is "1990".
func (o *object) birthday(name string) exchange.Date {
	text := o.text(name, 10)
	if !o.sound(o.at(name)) {
		return exchange.Date{}
	}
	date, err := exchange.ParseBirthDate(text)
	if err != nil {
		o.refuse(o.at(name), "must be a day, a month or a year, such as 2000-12-31, 2000-12 or 2000")
		return exchange.Date{}
	}
	return date
}
