// Package browsertest walks the people's pages in a real Chromium, with the gateway and the three sides as four separate
// processes behind it. It has tests alone.
//
//	walks_test.go      each S0 flow, page by page; every page is audited in the four languages (axe, 320 px, 200 %)
//	h5_test.go         what can happen to a traveller's page: double tap, reload, back, a lost answer, a page elsewhere
//	hostile_test.go    planted strings, exchanged handoffs: nothing of them runs
//	officer_test.go    the officers' page: camera, every verdict, no network, a wrong clock
//	unverified_test.go  a holder whom nobody has compared with the document, on every page
//	keyboard_test.go   the pages without a mouse
//	pictures_test.go   the screenshots and the pages are the same set
//
//	world_test.go      the four processes           tab_test.go     one tab, and what it saw
//	chromium_test.go   the browser                  audit_test.go   what is asked of every page
//	video_test.go      a QR code before a camera
//
// Whatever test a tab belongs to, it fails when the page broke its Content-Security-Policy, ran into an exception, opened a
// dialog, asked a third party for anything, or was given a cookie by the gateway.
package browsertest
