package macau

import (
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// vocabulary is the words of 澳門健康碼 and its page (facts.md says where each comes from).
func vocabulary() jurisdictions.Vocabulary {
	return jurisdictions.Vocabulary{
		Side: ID,
		Contact: exchange.Text{
			ZhHans: "澳门卫生局 +853 2870 0800", ZhHant: "澳門衛生局 +853 2870 0800",
			En: "Macau Health Bureau +853 2870 0800", Pt: "Serviços de Saúde de Macau +853 2870 0800",
		},
		// "web" is the health code page with its button 下載個人資料申請粵康碼.
		Channels: []string{"web"},
		Colours:  map[string]string{"green": "green", "yellow": "yellow", "red": "red", "none": "none"},
		// g28 is a green code after a mixed-pool positive, for 48 hours.
		Subcodes: map[string][]string{"green": {"g28"}},
		// The first five are of the declaration and of contacts; a missed mass test makes a code yellow, a missed daily
		// antigen declaration yellow the next day and red after two.
		Reasons: []string{
			"confirmed", "suspected", "close-contact", "general-contact", "symptoms", "travel-history", "missed-mass-test",
			"missed-antigen",
		},
		// Guardians show codes for children, and children for elders.
		Relations: map[string][]string{
			"guardian": {"parent", "guardian"},
			"agent":    {"child", "spouse", "agent"},
		},
	}
}
