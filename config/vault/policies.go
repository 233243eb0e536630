// Package vault holds the Vault policies that operators apply, by hand or with `gateway vault init`:
//
//	gateway.hcl    what the gateway's own token may do: read public halves, decrypt, sign
//	operator.hcl   what whoever rotates and retires keys may do, who in turn can use none
//
// They are written out for the default mount and keys, so that they can be read and applied as they are. Package transit
// turns them into those of another mount or other keys.
package vault

import _ "embed" // the policies

// The policies, as they stand in the files.
var (
	//go:embed gateway.hcl
	Gateway string
	//go:embed operator.hcl
	Operator string
)
