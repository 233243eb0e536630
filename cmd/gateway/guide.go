package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"crosscode/api/guide"
	"crosscode/crypto/jose"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// limit is one bound that a packet, or what belongs to it, must keep.
type limit struct {
	constant string // by its name in the code; a test holds it to the value
	value    any    // int or time.Duration
	of       string
}

// guideLimits are the bounds that the packet guide tells. A test looks for bounds that are missing.
var guideLimits = []limit{
	{"exchange.MaxPacket", exchange.MaxPacket, "characters of a packet, one line end behind it not counted"},
	{"jose.MaxHeader", jose.MaxHeader, "bytes of each of the two headers, decoded"},
	{"jurisdictions.MaxClaims", jurisdictions.MaxClaims, "bytes of the claims"},
	{"jose.MaxDepth", jose.MaxDepth, "levels of objects and lists in the claims"},
	{"exchange.MaxPacketLife", exchange.MaxPacketLife, "between iat and exp"},
	{"exchange.Leeway", exchange.Leeway, "that two clocks may differ, either way"},
	{"exchange.MaxConsentAge", exchange.MaxConsentAge, "between consent.given_at and iat"},
	{"jurisdictions.MaxDocuments", jurisdictions.MaxDocuments, "documents, one at least"},
	{"jurisdictions.MaxDocumentNumber", jurisdictions.MaxDocumentNumber, "characters of a document's number as it is sent"},
	{"jurisdictions.MaxHanName", jurisdictions.MaxHanName, "characters of a name in Han"},
	{"jurisdictions.MaxLatinName", jurisdictions.MaxLatinName, "characters of a name in Latin letters"},
	{"jurisdictions.MaxInstitution", jurisdictions.MaxInstitution, "characters of an institution that are kept; a longer one is cut, never refused"},
	{"jurisdictions.MaxReasons", jurisdictions.MaxReasons, "reasons of a colour"},
	{"jurisdictions.MaxEvidence", jurisdictions.MaxEvidence, "pieces of evidence"},
	{"jurisdictions.MaxDeclarations", jurisdictions.MaxDeclarations, "declarations"},
	{"jurisdictions.MaxReadFaults", jurisdictions.MaxReadFaults, "faults of the claims that packet explain tells of one packet"},
	{"keys.MaxSetBytes", keys.MaxSetBytes, "bytes of your key set"},
	{"keys.MaxSetKeys", keys.MaxSetKeys, "keys in your key set"},
	{"keys.MinBits", keys.MinBits, "bits of an RSA key, at least"},
	{"keys.MaxBits", keys.MaxBits, "bits of an RSA key, at most"},
	{"exchange.MaxCodeLife", exchange.MaxCodeLife, "that a code lives, whatever the rules say"},
	{"exchange.MaxHandoffLife", exchange.MaxHandoffLife, "that a handoff lives"},
	{"exchange.MaxFullReceipt", exchange.MaxFullReceipt, "bytes of a full receipt"},
	{"exchange.MaxFields", exchange.MaxFields, "bytes of a handoff's fields"},
	{"exchange.MaxQRToken", exchange.MaxQRToken, "characters of a token in a QR code of version 15 at level M"},
}

// openGuide puts the guide's tables together from those of the packages that open and read packets.
func (p *parts) openGuide() (guide.Facts, error) {
	var vocabularies []jurisdictions.Vocabulary
	for _, side := range p.sides {
		vocabularies = append(vocabularies, side.Vocabulary())
	}
	schema := jurisdictions.ClaimsSchema(p.settings.Issuer+"/guide/"+guide.SchemaFile, vocabularies...)
	written, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return guide.Facts{}, err
	}
	facts := guide.Facts{Schema: append(written, '\n'), Tables: map[string]guide.Table{
		"outer": headerTable(jose.OuterHeader()), "inner": headerTable(jose.InnerHeader()),
		"members": memberTable(schema.Told()), "evidence": alternativeTable(schema, "evidence", "type"),
		"forms": alternativeTable(schema, "declarations", "form"), "documents": documentTable(vocabularies[0].Documents),
		"scripts": scriptTable(), "folded": foldedTable(), "limits": limitTable(), "silent": silentTable(),
		"sides": p.sideTable(), "reasons": reasonTable(vocabularies), "ports": p.portTable(), "givers": giverTable(),
	}}
	return facts, nil
}

func headerTable(members []jose.Member) guide.Table {
	table := guide.Table{Head: []string{"member", "required", "value", "note"}}
	for _, each := range members {
		table.Rows = append(table.Rows, []string{each.Name, yesOrNo(each.Required), strings.Join(each.Values, " or "), each.Note})
	}
	return table
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func memberTable(members []jurisdictions.MemberText) guide.Table {
	table := guide.Table{Head: []string{"member", "required", "value", "note"}}
	for _, each := range members {
		table.Rows = append(table.Rows, []string{each.Path, yesOrNo(each.Required), each.Form, each.Note})
	}
	return table
}

// alternativeTable tells each form of a list's entries by the member that names it.
func alternativeTable(schema *jurisdictions.Schema, list, name string) guide.Table {
	table := guide.Table{Head: []string{name, "member", "required", "value", "note"}}
	for _, form := range schema.Alternatives(list) {
		for _, each := range form.Told() {
			if each.Path != name {
				row := []string{form.Properties[name].Const, each.Path, yesOrNo(each.Required), each.Form, each.Note}
				table.Rows = append(table.Rows, row)
			}
		}
	}
	return table
}

func documentTable(documents jurisdictions.Documents) guide.Table {
	table := guide.Table{Head: []string{"type", "number, as an RE2 pattern", "check digit", "also left out", "counts"}}
	for _, each := range documents.Told() {
		counts := "the whole number"
		if each.Counts > 0 {
			counts = fmt.Sprintf("the first %d characters", each.Counts)
		}
		table.Rows = append(table.Rows, []string{each.Type, each.Pattern, each.Check, each.Printed, counts})
	}
	return table
}

func scriptTable() guide.Table {
	table := guide.Table{Head: []string{"member", "characters", "letters", "between them"}}
	for _, each := range jurisdictions.Scripts() {
		separators := strings.Split(each.Separators, "")
		separators[slices.Index(separators, " ")] = "blank"
		table.Rows = append(table.Rows, []string{
			each.Member, strconv.Itoa(each.Most), strings.Join(each.Letters, "; "), strings.Join(separators, " "),
		})
	}
	return table
}

func giverTable() guide.Table {
	table := guide.Table{Head: []string{"consent.by", "stands for", "who presents"}}
	for _, each := range jurisdictions.Givers() {
		table.Rows = append(table.Rows, each[:])
	}
	return table
}

func foldedTable() guide.Table {
	table := guide.Table{Head: []string{"read as", "written"}}
	for _, each := range jurisdictions.Folded() {
		table.Rows = append(table.Rows, each[:])
	}
	return table
}

func silentTable() guide.Table {
	table := guide.Table{Head: []string{"checked beyond the schema"}}
	for _, each := range jurisdictions.SchemaSilent() {
		table.Rows = append(table.Rows, []string{each})
	}
	return table
}

func limitTable() guide.Table {
	table := guide.Table{Head: []string{"limit", "of"}}
	for _, each := range guideLimits {
		value := fmt.Sprint(each.value)
		if length, timed := each.value.(time.Duration); timed {
			value = fmt.Sprintf("%d seconds", int(length/time.Second))
		}
		table.Rows = append(table.Rows, []string{value, each.of})
	}
	return table
}

func (p *parts) sideTable() guide.Table {
	table := guide.Table{Head: []string{"side", "packet key", "channel", "health.colour", "health.subcode", "presenter.relation"}}
	for _, side := range p.sides {
		profile, words := side.Profile(), side.Vocabulary()
		subcodes, relations := []string{}, []string{}
		for _, colour := range slices.Sorted(maps.Keys(words.Subcodes)) {
			subcodes = append(subcodes, colour+": "+strings.Join(words.Subcodes[colour], ", "))
		}
		for _, by := range slices.Sorted(maps.Keys(words.Relations)) {
			relations = append(relations, "consent by "+by+": "+strings.Join(words.Relations[by], ", "))
		}
		table.Rows = append(table.Rows, []string{
			string(profile.Side), profile.PacketKey(), strings.Join(words.Channels, ", "), strings.Join(slices.Sorted(maps.Keys(words.Colours)), ", "),
			strings.Join(subcodes, "; "), strings.Join(relations, "; "),
		})
	}
	return table
}

func reasonTable(vocabularies []jurisdictions.Vocabulary) guide.Table {
	table := guide.Table{Head: []string{"side", "health.reasons"}}
	for _, each := range vocabularies {
		table.Rows = append(table.Rows, []string{string(each.Side), strings.Join(each.Reasons, ", ")})
	}
	return table
}

func (p *parts) portTable() guide.Table {
	table := guide.Table{Head: []string{"route", "port"}}
	for _, from := range p.sides {
		for _, to := range p.sides {
			route := exchange.Route{From: from.Profile().Side, To: to.Profile().Side}
			var ports []string
			for _, port := range from.Vocabulary().Ports.On(route).IDs() {
				ports = append(ports, string(port))
			}
			if route.From != route.To {
				table.Rows = append(table.Rows, []string{route.String(), strings.Join(ports, ", ")})
			}
		}
	}
	return table
}
