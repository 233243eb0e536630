package jurisdictions

import (
	_ "embed" // documents.yaml
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"crosscode/exchange"
)

//go:embed documents.yaml
var documentsYAML []byte

// DocumentsFile is the name of the document formats in a directory of overrides.
const DocumentsFile = "documents.yaml"

// MaxDocumentNumber is the most characters a number may have as it is sent, separators included.
const MaxDocumentNumber = 48

// Documents is the known formats, by type.
type Documents map[string]documentFormat

// documentFormat is one entry of documents.yaml, whose head explains the members.
type documentFormat struct {
	pattern   *regexp.Regexp
	check     string
	canonical int
	printed   string
	form      string // the pattern in words
	instead   []confusion
	rank      int // among the documents that tell a home, 1 before 2; 0: it tells none
	homes     []homeOf
}

// homeOf says whose home a number tells that starts so.
type homeOf struct{ starts, home string }

// Homes are where a holder can be at home.
func Homes() []string { return []string{"hongkong", "macau", "mainland", "taiwan", "foreign"} }

// confusion is a shape that is mistaken for this document's, and what to say then.
type confusion struct {
	pattern *regexp.Regexp
	say     string
}

// What can be wrong with a number. None of them repeats it.
var (
	ErrDocumentType     = errors.New("is not a known document type")
	ErrDocumentFormat   = errors.New("is not the form of a number of this type")
	ErrDocumentChecksum = errors.New("has a wrong check digit")
	ErrDocumentBirth    = errors.New("disagrees with the birth date")
)

// numberChecks are the published check-digit algorithms. A check sees a number that its pattern has accepted.
var numberChecks = map[string]func(number string, born exchange.Date) error{
	"":        func(string, exchange.Date) error { return nil },
	"gb11643": checkResidentNumber,
	"hkid":    checkHongKongID,
}

// Parse checks a number of a type and gives the document with its canonical number: what stays the same when it is
// reissued, in upper case without separators. The birth date must agree where the number holds one.
func (d Documents) Parse(kind, number string, born exchange.Date) (exchange.Document, error) {
	format, known := d[kind]
	if !known {
		return exchange.Document{}, ErrDocumentType
	}
	if len([]rune(number)) > MaxDocumentNumber {
		return exchange.Document{}, format.wanted(ErrDocumentFormat)
	}
	number = normalNumber(number, format.printed)
	if !format.pattern.MatchString(number) {
		return exchange.Document{}, format.explain(number)
	}
	if err := numberChecks[format.check](number, born); errors.Is(err, ErrDocumentChecksum) {
		return exchange.Document{}, format.wanted(err)
	} else if err != nil {
		return exchange.Document{}, err
	}
	return exchange.Document{Type: kind, Number: format.canonicalOf(number)}, nil
}

func (f documentFormat) canonicalOf(number string) string {
	if f.canonical > 0 && f.canonical < len(number) {
		return number[:f.canonical]
	}
	return number
}

func (f documentFormat) explain(number string) error {
	for _, mistaken := range f.instead {
		if mistaken.pattern.MatchString(number) {
			return errors.New(mistaken.say)
		}
	}
	return f.wanted(ErrDocumentFormat)
}

// wanted adds to what is wrong how a number of the type is written.
func (f documentFormat) wanted(err error) error {
	if f.form == "" {
		return err
	}
	return fmt.Errorf("%w: want %s", err, f.form)
}

// Home tells where the holder of the documents is at home, one of Homes; "" if they do not say, or disagree. It is never
// claimed: a home return permit says by its first letter whose it is, whatever else its holder has, an identity card says it
// where there is no such permit, and a passport of the mainland or of another country only where there is neither.
func (d Documents) Home(documents []exchange.Document) string {
	lowest, told := 0, ""
	for _, document := range documents {
		format := d[document.Type]
		home := format.homeOf(document.Number)
		switch {
		case home == "" || lowest > 0 && format.rank > lowest:
		case lowest == 0 || format.rank < lowest:
			lowest, told = format.rank, home
		case home != told:
			told = ""
		}
	}
	return told
}

func (f documentFormat) homeOf(number string) string {
	for _, each := range f.homes {
		if strings.HasPrefix(number, each.starts) {
			return each.home
		}
	}
	return ""
}

// normalNumber undoes what keyboards and printing do to a number, and nothing else: full-width characters (U+FF01–FF5E)
// become half-width, letters upper case; spaces and the brackets around a check digit, as Hong Kong and Macau print them,
// go, and so do the separators that this one document prints. Whatever else is not a letter or digit stays, and fails.
func normalNumber(number, printed string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFF01 - '!'
		}
		switch {
		case strings.ContainsRune(" \u3000()", r), strings.ContainsRune(printed, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, number)
}

// checkResidentNumber is GB 11643-1999: ISO 7064 MOD 11-2 over the first 17 digits, and a birth date in digits 7–14.
func checkResidentNumber(number string, born exchange.Date) error {
	weights := [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, weight := range weights {
		sum += weight * int(number[i]-'0')
	}
	if number[17] != "10X98765432"[sum%11] {
		return ErrDocumentChecksum
	}
	// Of a birth date that is known in part, what both know must agree.
	if !strings.HasPrefix(number[6:14], strings.ReplaceAll(born.String(), "-", "")) {
		return ErrDocumentBirth
	}
	return nil
}

// checkHongKongID sums all nine places with the weights 9 … 1, a missing first letter being a space worth 36. Leaving the
// space out, as a popular shortcut does, gives the wrong digit for cards of two letters.
func checkHongKongID(number string, _ exchange.Date) error {
	if len(number) == 8 {
		number = " " + number
	}
	sum := 0
	for i := range number {
		sum += (9 - i) * hongKongValue(number[i])
	}
	if sum%11 != 0 {
		return ErrDocumentChecksum
	}
	return nil
}

func hongKongValue(c byte) int {
	switch {
	case c == ' ':
		return 36
	case c >= 'A':
		return int(c-'A') + 10
	default:
		return int(c - '0')
	}
}

// ParseDocuments reads a documents.yaml; its error is Faults, all at once.
func ParseDocuments(file string, data []byte) (Documents, error) {
	s := &sheet{file: file}
	documents := Documents{}
	if root := s.open(data); root != nil {
		list := s.block(root, "file", "documents!")
		for _, node := range list.list("documents") {
			list.document(documents, s.block(node, "document",
				"type!", "pattern!", "form", "check", "canonical", "printed", "instead", "homes", "source!", "confidence!"))
		}
	}
	if err := s.faults.orNil(); err != nil {
		return nil, err
	}
	return documents, nil
}

var documentTypePattern = regexp.MustCompile(`\A[a-z]+(-[a-z]+)*\z`)

func (s *sheet) document(documents Documents, b block) {
	kind := b.text("type")
	if _, twice := documents[kind]; twice || !documentTypePattern.MatchString(kind) {
		s.fault(b.lineOf("type"), "document.type: stands twice, or is not lower-case words with hyphens")
	}
	b.text("source")
	b.pick("confidence", "official", "press", "assumed")
	format := documentFormat{
		pattern: b.wholeMatch("pattern"), check: b.pick("check", "gb11643", "hkid"),
		canonical: b.number("canonical"), printed: b.text("printed"), form: b.text("form"),
	}
	if b.has("homes") {
		s.homes(s.block(b.values["homes"], "homes", "rank!", "of!"), &format)
	}
	for _, node := range b.list("instead") {
		mistaken := s.block(node, "instead", "pattern!", "say!")
		format.instead = append(format.instead, confusion{pattern: mistaken.wholeMatch("pattern"), say: mistaken.text("say")})
	}
	documents[kind] = format
}

// homes reads whose home a number tells. Ranks are small: there are few kinds of document.
func (s *sheet) homes(b block, format *documentFormat) {
	if format.rank = b.number("rank"); format.rank < 1 || format.rank > 9 {
		s.fault(b.lineOf("rank"), "homes.rank: want 1 to 9")
	}
	for _, node := range b.list("of") {
		each := s.block(node, "homes.of", "starts", "home!")
		format.homes = append(format.homes, homeOf{starts: each.text("starts"), home: each.pick("home", Homes()...)})
	}
}

// wholeMatch reads a pattern that always matches the whole value: one that forgot its anchors would accept anything
// around it.
func (b block) wholeMatch(key string) *regexp.Regexp {
	expression, err := regexp.Compile(`\A(?:` + b.text(key) + `)\z`)
	if err != nil {
		b.fault(b.lineOf(key), "%s: not an RE2 pattern", b.name(key))
	}
	return expression
}

// LoadDocuments gives the formats of the directory of overrides if it has any, else the embedded ones.
func LoadDocuments(options Options) (Documents, error) {
	if options.Overrides == "" {
		return ParseDocuments(DocumentsFile, documentsYAML)
	}
	file := filepath.Join(options.Overrides, DocumentsFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return ParseDocuments(DocumentsFile, documentsYAML)
	}
	if err != nil {
		return nil, err
	}
	return ParseDocuments(file, data)
}
