package jose

import (
	"slices"
)

// Member is one member of a packet's header, as a back-end team is told of it.
type Member struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	Values   []string `json:"values,omitempty"` // exactly one of these; none: see Note
	Note     string   `json:"note,omitempty"`
}

// OuterHeader is every member that a packet's JWE header may have, and InnerHeader the same of the JWS inside.
func OuterHeader() []Member {
	algorithms := make([]string, len(outerAlgorithms))
	for i, known := range outerAlgorithms {
		algorithms[i] = known.name
	}
	return []Member{
		{Name: "alg", Required: true, Values: algorithms, Note: "the one that the gateway's key is for"},
		{Name: "enc", Required: true, Values: []string{contentEncryption}},
		{Name: "kid", Required: true, Note: "of the gateway's newest packet key for your side"},
		{Name: "typ", Required: true, Values: []string{packetType}},
		{Name: "cty", Required: true, Values: []string{packetContent}},
		{Name: "epk", Note: "with ECDH-ES alone: kty EC, crv P-256, x and y of 32 bytes, nothing else"},
		{Name: "apu", Note: "with ECDH-ES alone: base64url of at most 64 bytes"},
		{Name: "apv", Note: "with ECDH-ES alone: base64url of at most 64 bytes"},
	}
}

// InnerHeader is every member that the JWS header inside a packet may have.
func InnerHeader() []Member {
	var algorithms []string
	for _, each := range packetKind.algorithms {
		algorithms = append(algorithms, string(each))
	}
	return []Member{
		{Name: "alg", Required: true, Values: algorithms, Note: "the one that your key set publishes the key for"},
		{Name: "kid", Required: true, Note: "of your signing key, as in your key set: 1 to 64 characters of A-Z a-z 0-9 . _ -"},
		{Name: "typ", Required: true, Values: slices.Clone(packetKind.types)},
		{Name: "cty", Values: []string{signedContent}},
	}
}

// wantedValues are the values of the members that have few, by the stage that looks at them.
var wantedValues = map[stage]map[string][]string{stageAlgorithms: valuesOf(OuterHeader()), stageKind: valuesOf(InnerHeader())}

func valuesOf(members []Member) map[string][]string {
	values := map[string][]string{}
	for _, each := range members {
		if len(each.Values) > 0 {
			values[each.Name] = each.Values
		}
	}
	return values
}
