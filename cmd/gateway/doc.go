// Command gateway is Crosscode's one program for operators, officers and back-end teams.
//
//	serve            the gateway over HTTP
//	keys             init, list, rotate, trim: the gateway's own keys
//	vault            init, check: the transit engine, its keys and policies, and what a token can do
//	rules            lint, history, explain: what is asked of whom, and since when
//	packet explain   at which step and why a packet fails, for a back-end team with embedded keys
//	journal verify   finds any change, cut or reorder of the journal
//	verify           a code or a receipt against a saved bundle, offline
//	demo             all six routes in separate processes on loopback
//
// The package is wiring only: it alone knows the configuration and the concrete sides. parts.go turns a configuration
// into the parts of a gateway; each command has a file of its own. A new side is one line in sides.go.
//
// Exit status: 0 yes, 1 no or a fault, 2 a command line that makes no sense.
package main
