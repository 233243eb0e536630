package jurisdictiontest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"crosscode/exchange"
)

// Claims are the tree's bytes, as a Verifier would give them: genuine, and signed by the side that iss names.
func Claims(tree map[string]any) exchange.Claims {
	issuer, _ := tree["iss"].(string)
	return exchange.Claims{Issuer: exchange.Side(issuer), KeyID: "specimen.1.abcdef", JSON: JSON(tree)}
}

// JSON is the tree as one object.
func JSON(tree map[string]any) []byte {
	data, err := json.Marshal(tree)
	if err != nil {
		panic("specimen: " + err.Error()) // a test put something into the tree that JSON does not have
	}
	return data
}

// With gives a copy of the tree in which the value at path is another one. A path is as in exchange.Invalid:
// "holder.documents[0].number". What is not there yet is added, at the end of a list too.
func With(tree map[string]any, path string, value any) map[string]any {
	root, _ := replace(clone(tree), steps(path), func(any) (any, bool) { return value, true }).(map[string]any)
	return root
}

// Without gives a copy of the tree that lacks what is at path.
func Without(tree map[string]any, path string) map[string]any {
	root, _ := replace(clone(tree), steps(path), func(any) (any, bool) { return nil, false }).(map[string]any)
	return root
}

// Value is what stands at path, or nil.
func Value(tree map[string]any, path string) any {
	var found any
	replace(clone(tree), steps(path), func(value any) (any, bool) { found = value; return value, true })
	return found
}

// Paths lists every member and every list entry of the tree, containers before what they hold, in a stable order.
func Paths(tree map[string]any) []string { return paths("", tree) }

func paths(path string, value any) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			inner := strings.TrimPrefix(path+"."+name, ".")
			found = append(append(found, inner), paths(inner, value[name])...)
		}
	case []any:
		for i, entry := range value {
			inner := fmt.Sprintf("%s[%d]", path, i)
			found = append(append(found, inner), paths(inner, entry)...)
		}
	}
	return found
}

// steps cuts "a.b[0].c" into "a", "b", "0", "c".
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) })
}

func replace(value any, path []string, change func(any) (any, bool)) any {
	switch value := value.(type) {
	case map[string]any:
		inner, keep := descend(value[path[0]], path[1:], change)
		if delete(value, path[0]); keep {
			value[path[0]] = inner
		}
		return value
	case []any:
		return replaceEntry(value, path, change)
	default:
		panic("specimen: no such path") // the test names something that the tree does not have
	}
}

func replaceEntry(list []any, path []string, change func(any) (any, bool)) any {
	i, err := strconv.Atoi(path[0])
	if err != nil || i > len(list) {
		panic("specimen: no such entry")
	}
	if i == len(list) {
		list = append(list, nil)
	}
	inner, keep := descend(list[i], path[1:], change)
	if !keep {
		return slices.Delete(list, i, i+1)
	}
	list[i] = inner
	return list
}

func descend(value any, path []string, change func(any) (any, bool)) (any, bool) {
	if len(path) == 0 {
		return change(value)
	}
	return replace(value, path, change), true
}

func clone(tree map[string]any) map[string]any {
	copied, _ := cloneValue(tree).(map[string]any)
	return copied
}

func cloneValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, inner := range value {
			copied[name] = cloneValue(inner)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, inner := range value {
			copied[i] = cloneValue(inner)
		}
		return copied
	default:
		return value
	}
}
