package jose

import (
	"errors"
	"fmt"

	"crosscode/exchange"
)

// stage is one check on a packet's way, in the order in which they are made. It is the Stage of a Failure.
type stage string

const (
	stageCompact    stage = "packet.compact"
	stageHeader     stage = "packet.header"
	stageAlgorithms stage = "packet.algorithms"
	stageAgreement  stage = "packet.agreement"
	stageLengths    stage = "packet.lengths"
	stageKey        stage = "packet.key"
	stageDecrypt    stage = "packet.decrypt"

	stageSigned    stage = "signed.compact"
	stageJWSHeader stage = "signed.header"
	stageKind      stage = "signed.kind"
	stageClaims    stage = "signed.claims"
	stageIssuer    stage = "signed.issuer"
	stageAudience  stage = "signed.audience"
	stagePinned    stage = "signed.key"
	stageSignature stage = "signed.signature"

	stageSign  stage = "sign"
	stageSeal  stage = "seal"
	stagePanic stage = "panic"
)

// fault is what stopped a token. It becomes a Failure at the package's border.
type fault struct {
	stage  stage
	reason exchange.Reason
	cause  error
	// hint is for Explain alone. It would be an oracle anywhere else.
	hint string
}

func (f *fault) failure() error {
	if f == nil {
		return nil
	}
	return exchange.Fail(f.reason, string(f.stage), f.cause)
}

func refused(at stage, cause error) *fault {
	return &fault{stage: at, reason: exchange.PacketRefused, cause: cause}
}

func outage(at stage, cause error) *fault {
	return &fault{stage: at, reason: exchange.Unavailable, cause: cause}
}

// contain turns a panic into a refusal. Nothing here should ever panic; if a library does, one hostile packet must not
// end the process, nor look different from any other one. The value of a panic may hold data, its type does not.
func contain(err *error) {
	if value := recover(); value != nil {
		*err = exchange.Fail(exchange.PacketRefused, string(stagePanic), fmt.Errorf("panic of type %T", value))
	}
}

// containOutage is contain for work on our own data: a panic there is our fault.
func containOutage(at stage, err *error) {
	if value := recover(); value != nil {
		*err = exchange.Fail(exchange.Unavailable, string(at), fmt.Errorf("panic of type %T", value))
	}
}

// unavailable keeps a Failure that says unavailable and makes one of anything else.
func unavailable(at stage, err error) error {
	if reason, found := exchange.ReasonOf(err); found && reason == exchange.Unavailable {
		return err
	}
	return exchange.Fail(exchange.Unavailable, string(at), err)
}

var errNoToken = errors.New("no token")
