package jose

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The tables that back-end teams are told are those of the parser: the same names, each value is taken and no other, and a member
// is required exactly where the table says so.
func TestTheHeaderTablesAreTheParsers(t *testing.T) {
	for _, layer := range []struct {
		name    string
		members []Member
		parsed  []string
		taken   func(header string) bool
	}{
		{"outer", OuterHeader(), outerNames, takesOuter},
		{"inner", InnerHeader(), packetKind.names, takesInner},
	} {
		var names []string
		for _, member := range layer.members {
			names = append(names, member.Name)
		}
		if !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(layer.parsed))) {
			t.Errorf("the %s table has %v, the parser %v", layer.name, names, layer.parsed)
		}
		if !layer.taken(headerOf(layer.members, "", "")) {
			t.Fatalf("the %s header as the table has it is refused", layer.name)
		}
		for _, member := range layer.members {
			if without := layer.taken(headerOf(layer.members, member.Name, "")); without == member.Required {
				t.Errorf("%s %s: required %v, and a header without it is taken: %v", layer.name, member.Name, member.Required, without)
			}
			if len(member.Values) > 0 && layer.taken(headerOf(layer.members, member.Name, member.Values[0]+"x")) {
				t.Errorf("%s %s: a value that the table does not have is taken", layer.name, member.Name)
			}
		}
	}
}

// headerOf is a header of the members that may stand with the first alg, each with its first value, but one of them with another;
// an empty value leaves it out.
func headerOf(members []Member, name, value string) string {
	header := map[string]string{}
	for _, member := range members {
		switch {
		case len(member.Values) > 0:
			header[member.Name] = member.Values[0]
		case member.Name == "kid":
			header[member.Name] = "some-key.1.abcdef"
		}
	}
	delete(header, name)
	if value != "" {
		header[name] = value
	}
	written, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	return string(written)
}

// compactOf joins a header and parts of these lengths.
func compactOf(header string, lengths ...int) string {
	parts := []string{base64.RawURLEncoding.EncodeToString([]byte(header))}
	for _, length := range lengths {
		parts = append(parts, base64.RawURLEncoding.EncodeToString(make([]byte, length)))
	}
	return strings.Join(parts, ".")
}

func takesOuter(header string) bool {
	var stop stopped
	_, found := parseSealed(compactOf(header, 256, ivLength, 8, tagLength), stop.report)
	return found && stop.fault == nil
}

func takesInner(header string) bool {
	_, fault := packetKind.parse(compactOf(header, 2, signatureLength))
	return fault == nil
}
