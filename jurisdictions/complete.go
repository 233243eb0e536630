package jurisdictions

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"crosscode/exchange"
)

// End is what a side brings to a route at either end of it.
type End interface {
	exchange.Publisher
	Profile() exchange.Profile
	Vocabulary() Vocabulary
}

// Opens tells whether the book has entry rules for the route, in force at now or announced.
func (b *Book) Opens(route exchange.Route, now time.Time) bool { return len(b.entries(route, now)) > 0 }

// entries lists the entry rules for a route that are in force at now or announced.
func (b *Book) entries(route exchange.Route, now time.Time) []*entry {
	var found []*entry
	for _, v := range b.versions {
		if e := v.entry[route.String()]; e != nil && !e.blank() && (v.until.IsZero() || now.Before(v.until)) {
			found = append(found, e)
		}
	}
	return found
}

// Unfinished lists what a route that the book opens still lacks, each with the file and what to write there: the source's
// consent texts in every language, channels and documents of the source that the destination's table takes, the forms that
// the rules read, and ports. It is empty for a route that the book does not open.
//
// A route without them looks open to everybody: it is in the metadata, and then no page has a text to show and no packet
// passes.
func Unfinished(route exchange.Route, source End, book *Book, now time.Time) Faults {
	var faults Faults
	entries := book.entries(route, now)
	if len(entries) == 0 {
		return nil
	}
	add := func(side exchange.Side, file, format string, args ...any) {
		where := path.Join("jurisdictions", string(side), file)
		faults = append(faults, Fault{File: where, Message: fmt.Sprintf(format, args...) + ": the route " + route.String() + " is open without it"})
	}
	if missing := unconsented(source.Consents(route, now), now); len(missing) > 0 {
		add(route.From, "consents.yaml", "add a text %q with route: %s, in force now, in %s", route.String()+"/1", route, strings.Join(missing, ", "))
	}
	if len(source.Ports(route)) == 0 {
		add(route.From, "ports.yaml", "add a port with cities: {%s: …, %s: …}, here or in the folder of %s", route.From, route.To, route.To)
	}
	words := source.Vocabulary()
	for _, e := range entries {
		for _, channel := range e.untaken(words.Channels) {
			add(route.To, "rulebook.yaml", "add the channel %s of %s to entry.%s.documents.accept", channel, route.From, route)
		}
		for _, kind := range e.unknown(words.Documents) {
			faults = append(faults, Fault{File: path.Join("jurisdictions", DocumentsFile), Message: fmt.Sprintf(
				"add a document with type: %s: the route %s takes it", kind, route)})
		}
		for _, form := range e.forms() {
			if _, known := words.Forms.Find(form); !known {
				add(route.To, "forms.yaml", "add a form with id: %s", form)
			}
		}
	}
	return faults.sorted()
}

// unconsented lists the languages in which no text is in force at now.
func unconsented(texts []exchange.ConsentText, now time.Time) []string {
	return slices.DeleteFunc(exchange.Languages(), func(language string) bool {
		return slices.ContainsFunc(texts, func(text exchange.ConsentText) bool {
			return text.Language == language && !now.Before(text.From) && (text.Until.IsZero() || now.Before(text.Until))
		})
	})
}

// untaken lists the channels for which the documents table has no row.
func (e *entry) untaken(channels []string) []string {
	var missing []string
	for _, channel := range channels {
		if e.accept[channel] == nil && e.accept[anyChannel] == nil {
			missing = append(missing, channel)
		}
	}
	return missing
}

// unknown lists the document types of the table that have no format.
func (e *entry) unknown(formats Documents) []string {
	var missing []string
	for _, kinds := range e.accept {
		for _, kind := range kinds {
			if formats[kind].pattern == nil {
				missing = append(missing, kind)
			}
		}
	}
	return distinct(missing)
}

// forms lists the forms that the entry's rules read: what stands in a parameter or an expression and looks like a form's id.
func (e *entry) forms() []string {
	var found []string
	for _, u := range e.rules {
		if u.off {
			continue
		}
		for _, value := range u.shown {
			if word, is := value.(string); is {
				found = append(found, word)
			}
		}
		for _, p := range []*program{u.when, u.require, u.until, u.sampledAt} {
			found = append(found, p.literals()...)
		}
	}
	return distinct(slices.DeleteFunc(found, func(word string) bool { return !formIDPattern.MatchString(word) }))
}
