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

// fault is what is wrong with a token. It becomes a Failure at the package's border.
type fault struct {
	stage  stage
	reason exchange.Reason
	cause  error
	// member and hint are for Explain alone: the one is the sender's own text, the other would be an oracle anywhere else.
	member string // of the header, or of the claims; "": the whole
	hint   string
}

// report takes all that one check found, nothing if it passed, and tells whether the next check is to be made. The checks
// are the same for everybody; who reports decides how far they go.
type report func(at stage, found ...*fault) (goOn bool)

// stopped is the report of the gateway itself: the first fault ends the work.
type stopped struct{ *fault }

func (s *stopped) report(_ stage, found ...*fault) bool {
	if len(found) > 0 {
		s.fault = found[0]
	}
	return s.fault == nil
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

// refusedMember is a fault of one member.
func refusedMember(at stage, member string, cause error) *fault {
	f := refused(at, cause)
	f.member = member
	return f
}

// ifWrong is the one fault that err stands for, or none.
func ifWrong(at stage, member string, err error) []*fault {
	if err == nil {
		return nil
	}
	return one(refusedMember(at, member, err))
}

func one(f *fault) []*fault { return []*fault{f} }

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
