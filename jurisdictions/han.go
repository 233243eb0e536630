package jurisdictions

import (
	"slices"
	"unicode"
)

type hanBlock struct {
	first, last rune
	name        string
}

// hanBlocks are the blocks of ideographs in Unicode 17.0, with which personal names of GB 18030-2022 are written. Go's own tables
// are of Unicode 15.0 and do not know the last two, so the blocks stand here whole. The radicals and strokes that only look like
// ideographs are not among them.
//
// Source: Blocks-17.0.0.txt of the Unicode Character Database. A later version adds a line.
var hanBlocks = []hanBlock{
	{0x3400, 0x4DBF, "CJK Unified Ideographs Extension A"},
	{0x4E00, 0x9FFF, "CJK Unified Ideographs"},
	{0xF900, 0xFAFF, "CJK Compatibility Ideographs"},
	{0x20000, 0x2A6DF, "CJK Unified Ideographs Extension B"},
	{0x2A700, 0x2B73F, "CJK Unified Ideographs Extension C"},
	{0x2B740, 0x2B81F, "CJK Unified Ideographs Extension D"},
	{0x2B820, 0x2CEAF, "CJK Unified Ideographs Extension E"},
	{0x2CEB0, 0x2EBEF, "CJK Unified Ideographs Extension F"},
	{0x2EBF0, 0x2EE5F, "CJK Unified Ideographs Extension I"},
	{0x2F800, 0x2FA1F, "CJK Compatibility Ideographs Supplement"},
	{0x30000, 0x3134F, "CJK Unified Ideographs Extension G"},
	{0x31350, 0x323AF, "CJK Unified Ideographs Extension H"},
	{0x323B0, 0x3347F, "CJK Unified Ideographs Extension J"},
}

// isHan takes ideographs, the zero 〇 and the repetition mark 々.
func isHan(r rune) bool {
	if r == '〇' || r == '々' {
		return true
	}
	return slices.ContainsFunc(hanBlocks, func(block hanBlock) bool { return block.first <= r && r <= block.last })
}

// isLatin takes the Latin blocks that Portuguese, English, pinyin and Vietnamese need, not the mathematical or phonetic
// letters that only look Latin.
func isLatin(r rune) bool {
	return unicode.IsLetter(r) && unicode.Is(unicode.Latin, r) && (r < 0x250 || r >= 0x1E00 && r < 0x1F00)
}
