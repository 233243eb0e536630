package config

import (
	"reflect"
	"strings"
)

// anySide stands in a key path for the id of a side.
const anySide = "*"

// leaf is a key that holds a value.
type leaf struct {
	path string // "trust.sides.*.url"
	typ  reflect.Type
}

// leaves lists every key that holds a value, in the order of the struct.
func leaves(parent string, typ reflect.Type) []leaf {
	switch {
	case typ.Kind() == reflect.Map:
		return leaves(join(parent, anySide), typ.Elem())
	case typ.Kind() != reflect.Struct || typ == prefixType:
		return []leaf{{parent, typ}}
	}
	var found []leaf
	for i := range typ.NumField() {
		field := typ.Field(i)
		found = append(found, leaves(join(parent, field.Tag.Get("koanf")), field.Type)...)
	}
	return found
}

var configType = reflect.TypeFor[Config]()

// nameTable finds keys by the names of environment variables.
type nameTable []leaf

func variables(typ reflect.Type) nameTable { return leaves("", typ) }

// find gives the key that the variable overrides. It asks the struct rather than the underscores, which stand both for
// dots and for themselves: a side's id has none, so no two keys have one name.
func (t nameTable) find(variable string) (key string, typ reflect.Type, found bool) {
	for _, leaf := range t {
		before, after, many := strings.Cut(variableName(leaf.path), anySide)
		if !many && before == variable {
			return leaf.path, leaf.typ, true
		}
		rest, begins := strings.CutPrefix(variable, before)
		side, ends := strings.CutSuffix(rest, after)
		if many && begins && ends && side != "" && !strings.Contains(side, "_") {
			return strings.Replace(leaf.path, anySide, strings.ToLower(side), 1), leaf.typ, true
		}
	}
	return "", nil, false
}

func variableName(path string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}
