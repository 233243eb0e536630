// Package journal is the gateway's record of what it did: a file of JSON lines, each with the hash of the one before it,
// implementing exchange.Journal. There is no personal data in it: nothing that it writes comes from a holder's claims.
//
// One line, here folded:
//
//	{"seq":2,"at":"2026-11-22T10:00:00+08:00","event":"issued","receipt":"…","route":"macau-guangdong","port":"gongbei",
//	 "rulebooks":["macau/…","guangdong/…"],"rules":[],"kids":["gd.1.k7Qd2A","receipt.1.Zm3xQ0"],
//	 "prev":"<hash of line 1>","hash":"<SHA-256 of this line without its hash member>"}
//
//	event      when                                                               written by
//	intent     before anything is signed                                          Intend
//	issued     after the answer was committed                                     Finish
//	refused    the same, for a refusal's receipt                                  Finish
//	void       the intent came to nothing                                         Finish
//	recovered  Open found half a line, as a crash leaves it, and cut it off       Open
//
// Intend and Finish return when the line is on the disk: several that wait at once share one write and one fsync. So
// what is not recorded is not signed, after a power cut as well. Sync(false) trades that for speed.
//
// # What is found, and what is not
//
// Verify recomputes the chain. A changed, missing, added or moved line breaks it, at the line that it names; so does a cut
// at the beginning, where line 1 must be. A cut at the end breaks no link, which is why the last line's number, hash and
// offset are kept in a second file, <path>.head, after each write. Somebody who can write both files can still write a
// whole new chain, since no secret is in it: copy the head elsewhere from time to time (`gateway journal verify` prints it)
// and hold it against the file with Verify.
//
// # Opening what a crash left
//
// Half a line at the end was never acknowledged; Open cuts it off and says so in the chain. Whole lines behind the head
// are a crash between the two files; Open checks them and goes on. Anything else is refused with what to do: the file is
// evidence then, so nothing is repaired.
//
// A journal grows until an operator stops the gateway, moves both files away and starts it again: that begins a new chain.
package journal
