package exchange

// Text is one sentence in the four languages of the border, keyed as in BCP 47: zh-Hans, zh-Hant, en, pt.
type Text struct {
	ZhHans string `yaml:"zh-Hans" json:"zh-Hans"`
	ZhHant string `yaml:"zh-Hant" json:"zh-Hant"`
	En     string `yaml:"en" json:"en"`
	Pt     string `yaml:"pt" json:"pt"`
}

// Languages lists the keys of a Text, in the order in which they are shown.
func Languages() []string { return []string{"zh-Hans", "zh-Hant", "en", "pt"} }

// In gives the sentence in one of Languages; any other key gives English.
func (t Text) In(language string) string {
	switch language {
	case "zh-Hans":
		return t.ZhHans
	case "zh-Hant":
		return t.ZhHant
	case "pt":
		return t.Pt
	default:
		return t.En
	}
}

// Missing names the languages that have no sentence.
func (t Text) Missing() []string {
	var missing []string
	for _, language := range Languages() {
		if t.In(language) == "" {
			missing = append(missing, language)
		}
	}
	return missing
}

// Advice is what a holder is told: what happened, what to do about it, and whom to call.
type Advice struct {
	Title   Text `yaml:"title" json:"title"`
	Remedy  Text `yaml:"remedy" json:"remedy"`
	Contact Text `yaml:"contact" json:"contact"`
}
