package transit

import (
	"testing"

	"crosscode/crypto/transit/transittest"
)

func TestMain(m *testing.M) { transittest.Main(m) }
