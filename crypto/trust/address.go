package trust

import (
	"context"
	"net/netip"
	"syscall"
)

// never lists the addresses that no source can have, whatever its name resolves to (threat T41). What stands there gives
// away a machine's credentials, or is not one host. Private ranges are not in it: sides are reached over private lines.
var never = prefixes(
	"169.254.0.0/16",     // link-local (RFC 3927), and the metadata service of nearly every cloud
	"fe80::/10",          // link-local (RFC 4291 §2.5.6)
	"100.100.100.200/32", // metadata: Alibaba Cloud
	"192.0.0.192/32",     // metadata: Oracle Cloud
	"168.63.129.16/32",   // host agent: Azure
	"fd00:ec2::/32",      // metadata: AWS
	"fd20:ce::/32",       // metadata: Google Cloud
	"0.0.0.0/8",          // this host (RFC 1122 §3.2.1.3)
	"::/128",             // this host, unspecified
	"224.0.0.0/4",        // multicast
	"ff00::/8",           // multicast
	"240.0.0.0/4",        // reserved, broadcast
	"2002::/16",          // 6to4 (RFC 7526: obsolete), carries any IPv4 address
	"2001::/32",          // Teredo (RFC 4380), carries any IPv4 address
	"64:ff9b:1::/48",     // local NAT64 (RFC 8215), carries any IPv4 address at a place only its network knows
)

// nat64 carries an IPv4 address in its last 32 bits (RFC 6052 §2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// obsolete is what carried IPv4 addresses in IPv6 before (RFC 4291 §2.5.5.1). The loopback address ::1 lies in it.
var obsolete = netip.MustParsePrefix("::/96")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// control checks the address of a connection just before it is made, when no name can change it any more.
func control(loopbackOnly bool) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil || !callable(target.Addr(), loopbackOnly) {
			return errAddress
		}
		return nil
	}
}

// callable is true for an address that a source may have. Plain http goes to loopback only, even when "localhost" should
// resolve to something else.
func callable(address netip.Addr, loopbackOnly bool) bool {
	address = plainAddress(address)
	if address.IsLoopback() {
		return true
	}
	if loopbackOnly || obsolete.Contains(address) {
		return false
	}
	for _, prefix := range never {
		if prefix.Contains(address) {
			return false
		}
	}
	return true
}

// plainAddress takes an IPv4 address out of the IPv6 address that carries it, and the zone off.
func plainAddress(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if nat64.Contains(address) {
		bytes := address.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return address
}

func loopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
