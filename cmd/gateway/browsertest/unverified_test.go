package browsertest

import "testing"

// TestAnUnverifiedHolderLooksDifferent shows a minor whose identity nobody has verified: on the holder's page, in the
// destination's form and on the officer's page, each says so in words, and none of them does for a verified child.
func TestAnUnverifiedHolderLooksDifferent(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	for name, marked := range map[string]bool{"child": false, "unverified-minor": true} {
		b := newTab(t, w, browser)
		b.size(phone)
		sealed := b.seal(t, "macau", "guangdong", name)
		b.carry(sealed, "en")
		b.convert()
		if b.sees("#unverified") != marked {
			t.Errorf("%s: the holder's page says otherwise", name)
		}
		b.follow("#handoff button[type=submit]")
		if b.sees("#unverified") != marked {
			t.Errorf("%s: the destination's form says otherwise", name)
		}
		shown := b.bring(t, b.seal(t, "macau", "guangdong", name).Packet)
		b.installed()
		b.paste(shown.QR.Code)
		b.verdict("valid")
		if b.sees("#verdict-mark") != marked || ask[bool](b, "document.querySelector('#verdict').classList.contains('verdict-unverified')") != marked {
			t.Errorf("%s: the officer's page says otherwise", name)
		}
		b.next()
		if b.sees("#verdict-mark") {
			t.Errorf("%s: the mark stays for the next traveller", name)
		}
	}
}
