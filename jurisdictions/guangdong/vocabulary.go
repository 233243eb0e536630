package guangdong

import (
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// vocabulary is the words of 粤康码, its mini-program and its page for people who arrive (S1, S4; facts.md says where each
// comes from). Yellow was added in June 2021.
func vocabulary() jurisdictions.Vocabulary {
	return jurisdictions.Vocabulary{
		Side: ID,
		Contact: exchange.Text{
			ZhHans: "广东省政务服务便民热线 12345", ZhHant: "廣東省政務服務便民熱線 12345",
			En: "Guangdong government service hotline 12345", Pt: "Linha de serviços públicos de Guangdong 12345",
		},
		// "app" is 粤省事, "h5" is 粤康码(入境人员), where people log in with a home return permit only.
		Channels: []string{"app", "h5"},
		Colours:  map[string]string{"green": "green", "yellow": "yellow", "red": "red", "none": "none"},
		Subcodes: map[string][]string{},
		// The first eight make a code red. "high-risk-status" is the health status of a page whose code is green: data that
		// lags behind (S4 Q6), for the rulebook to judge.
		Reasons: []string{
			"confirmed", "positive", "suspected", "close-contact", "high-risk-area", "central-isolation", "home-isolation",
			"other-province", "high-risk-status",
		},
		// Guardians add children, and children add elders, as family members (S1).
		Relations: map[string][]string{
			"guardian": {"parent", "guardian"},
			"agent":    {"child", "spouse", "agent"},
		},
	}
}
