package api

import (
	"net/http"

	"golang.org/x/text/language"

	"crosscode/exchange"
)

// maxAcceptLanguage is the longest Accept-Language that is looked at; browsers send less than a hundred bytes.
const maxAcceptLanguage = 512

// spoken pairs each tag that callers ask for with a key of exchange.Text. The first is what anybody else gets. CLDR, which
// the matcher knows, takes zh-HK, zh-MO and zh-TW to zh-Hant, zh-CN and zh-SG to zh-Hans.
var (
	spokenKeys = []string{"en", "zh-Hans", "zh-Hant", "pt"}
	spoken     = language.NewMatcher([]language.Tag{
		language.English, language.SimplifiedChinese, language.TraditionalChinese, language.Portuguese,
	})
)

// languageOf is the key of exchange.Languages that the caller likes best; "en" if none.
func languageOf(request *http.Request) string {
	wanted := request.Header.Get("Accept-Language")
	if len(wanted) > maxAcceptLanguage {
		return spokenKeys[0]
	}
	tags, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil {
		return spokenKeys[0]
	}
	_, index, confidence := spoken.Match(tags...)
	if confidence == language.No {
		return spokenKeys[0]
	}
	return spokenKeys[index]
}

// advice is a rule's advice in one language.
type advice struct {
	Title   string `json:"title"`
	Remedy  string `json:"remedy"`
	Contact string `json:"contact"`
}

func adviceIn(language string, given exchange.Advice) advice {
	return advice{Title: given.Title.In(language), Remedy: given.Remedy.In(language), Contact: given.Contact.In(language)}
}
