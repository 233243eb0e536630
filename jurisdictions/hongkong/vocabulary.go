package hongkong

import (
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// vocabulary is the words of 港康碼 and its website (facts.md says where each comes from; conversion is policy here, since
// no report of it in production is known).
func vocabulary() jurisdictions.Vocabulary {
	return jurisdictions.Vocabulary{
		Side: ID,
		Contact: exchange.Text{
			ZhHans: "香港特区政府热线 1823", ZhHant: "香港特區政府熱線 1823",
			En: "Hong Kong Government hotline 1823", Pt: "Linha do Governo de Hong Kong 1823",
		},
		// "web" is the real-name website; the app LeaveHomeSafe only shows what it says.
		Channels: []string{"web"},
		// Hong Kong says amber; its colours are aligned with 粤康码, where the same is called yellow.
		Colours:  map[string]string{"green": "green", "amber": "yellow", "yellow": "yellow", "red": "red", "none": "none"},
		Subcodes: map[string][]string{},
		// The first seven make a code red, the last two amber.
		Reasons: []string{
			"confirmed", "suspected", "close-contact", "household-contact", "after-discharge", "quarantine-order", "symptoms",
			"high-risk-place", "recent-arrival",
		},
		// Parents and guardians register children; carers may hold an elder's code.
		Relations: map[string][]string{
			"guardian": {"parent", "guardian"},
			"agent":    {"child", "spouse", "agent"},
		},
	}
}
