package jurisdictions

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"crosscode/exchange"
)

// formFiles is the forms.yaml of every side's folder.
//
// A form is asked by the destination and answered on the source's page, so each side must read the forms of all the
// others, whom it may not import. They come in as data: this package takes the file out of every folder below it, and a
// new side's form is known to all with nothing else to edit.
//
//go:embed */forms.yaml
var formFiles embed.FS

// Form is a declaration that a destination wants answered: a closed set of questions, each answered yes or no.
//
// A form is never edited: changed questions make the next number, so that an old answer cannot pass for a new one.
type Form struct {
	ID        string        `json:"id"` // "macau-entry/1"
	AskedBy   exchange.Side `json:"asked_by"`
	Questions []Question    `json:"questions"`
}

// Question is one question of a form; its answer is true (yes) or false (no).
type Question struct {
	ID string `json:"id"` // "contact_14d"
	exchange.Text
	// Adverse is the answer that speaks against the holder: true is yes.
	Adverse bool `json:"-"`
}

// Forms is a list of forms with different ids.
type Forms []Form

// Find gives the form with the id.
func (f Forms) Find(id string) (Form, bool) {
	i := slices.IndexFunc(f, func(form Form) bool { return form.ID == id })
	if i < 0 {
		return Form{}, false
	}
	return f[i], true
}

// AskedBy lists the forms of one destination; empty, not nil, if it asks none.
func (f Forms) AskedBy(side exchange.Side) Forms {
	asked := Forms{}
	for _, form := range f {
		if form.AskedBy == side {
			asked = append(asked, form)
		}
	}
	return asked
}

// AllForms reads the forms of every side; its error is Faults. They are small and read once per side at start.
func AllForms() (Forms, error) {
	files, err := fs.Glob(formFiles, "*/forms.yaml")
	if err != nil {
		return nil, err
	}
	var all Forms
	var problems []error
	for _, file := range files {
		data, err := formFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		forms, err := ParseForms(file, data, exchange.Side(path.Dir(file)))
		problems = append(problems, err)
		all = append(all, forms...)
	}
	return all, errors.Join(problems...)
}

var (
	formIDPattern     = regexp.MustCompile(`\A([a-z]{2,16})(-[a-z]+)+/[1-9][0-9]{0,3}\z`)
	questionIDPattern = regexp.MustCompile(`\A[a-z][a-z0-9_]{0,31}\z`)
)

// ParseForms reads a side's forms.yaml; its error is Faults, all at once. A side may ask nothing.
func ParseForms(file string, data []byte, side exchange.Side) (Forms, error) {
	s := &sheet{file: file}
	var forms Forms
	if root := s.open(data); root != nil {
		b := s.sideBlock(root, side, "forms!")
		for _, node := range b.list("forms") {
			forms = append(forms, s.form(forms, s.block(node, "form", "id!", "route_to!", "questions!"), side))
		}
	}
	if err := s.faults.orNil(); err != nil {
		return nil, err
	}
	return forms, nil
}

func (s *sheet) form(before Forms, b block, side exchange.Side) Form {
	form := Form{ID: b.text("id"), AskedBy: side}
	// The id begins with the side's, so that no two sides can give a form the same one.
	if parts := formIDPattern.FindStringSubmatch(form.ID); parts == nil || parts[1] != string(side) {
		s.fault(b.lineOf("id"), "form.id: want %s-, a name, a slash and a number", side)
	}
	if _, twice := before.Find(form.ID); twice {
		s.fault(b.lineOf("id"), "form.id: stands twice")
	}
	if b.has("route_to") && b.text("route_to") != string(side) {
		s.fault(b.lineOf("route_to"), "form.route_to: want %s, who asks it", side)
	}
	for _, node := range b.list("questions") {
		form.Questions = append(form.Questions, s.question(form, s.block(node, "question", "id!", "text!", "adverse!")))
	}
	if len(form.Questions) == 0 {
		s.fault(b.line, "form.questions: none")
	}
	return form
}

func (s *sheet) question(form Form, b block) Question {
	question := Question{ID: b.text("id"), Text: b.sentence("text"), Adverse: b.flag("adverse")}
	twice := slices.ContainsFunc(form.Questions, func(q Question) bool { return q.ID == question.ID })
	if twice || !questionIDPattern.MatchString(question.ID) {
		s.fault(b.lineOf("id"), "question.id: stands twice, or is not lower-case letters, digits and underscores")
	}
	return question
}
