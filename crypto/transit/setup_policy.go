package transit

import (
	"errors"
	"regexp"
	"strings"

	"crosscode/crypto/keys"
)

// The names under which Init writes the two policies.
const (
	GatewayPolicy  = "crosscode-gateway"
	OperatorPolicy = "crosscode-operator"
)

// The keys whose blocks in a policy file stand for all of their kind.
const (
	packetExample  = "packet-gd"
	signingExample = "gd"
)

// pathLine begins a block: path "transit/<operation>/<key>[/…]" {
var pathLine = regexp.MustCompile(`^path "transit/([a-z]+)/([a-z0-9-]+)(/[a-z0-9/-]+)?" \{`)

var errPolicy = errors.New("not a policy file of ours")

// Render turns a policy file, which is written for the default mount and keys, into the policy for this plan: the blocks of
// packet-gd once for each packet key, those of gd once for each signing key. What stands outside the blocks stays.
func (p Plan) Render(file string) (string, error) {
	var out strings.Builder
	lines := strings.SplitAfter(file, "\n")
	for len(lines) > 0 {
		length, name := blockAt(lines)
		block := strings.Join(lines[:length], "")
		lines = lines[length:]
		switch name {
		case "":
			if strings.HasPrefix(block, "path ") {
				return "", errPolicy // a path of another form would be written with the wrong mount
			}
			out.WriteString(block)
		case packetExample:
			p.repeat(&out, block, name, keys.RSAOAEP256)
		case signingExample:
			p.repeat(&out, block, name, keys.ES256)
		}
	}
	return out.String(), nil
}

// blockAt measures the block that begins with the first line and names its key. Any other line is a block without a key.
func blockAt(lines []string) (length int, name string) {
	match := pathLine.FindStringSubmatch(lines[0])
	if match == nil {
		return 1, ""
	}
	for length < len(lines) {
		length++
		if strings.HasSuffix(strings.TrimSpace(lines[length-1]), "}") && (length == 1 || lines[length-1][0] == '}') {
			break
		}
	}
	return length, match[2]
}

func (p Plan) repeat(out *strings.Builder, block, example string, algorithm keys.Algorithm) {
	first, rest, _ := strings.Cut(block, "\n")
	operation := pathLine.FindStringSubmatch(first)[1]
	for _, spec := range p.Keys {
		if spec.Algorithm == algorithm {
			path := strings.Replace(first, "transit/"+operation+"/"+example, p.mount()+"/"+operation+"/"+spec.Name, 1)
			out.WriteString(path + "\n" + rest)
		}
	}
}
