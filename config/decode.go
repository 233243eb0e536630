package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The shapes that a key can have, beside a struct of keys and a map of them by side.
var (
	durationType = reflect.TypeFor[time.Duration]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
)

// decoder writes a tree of YAML values over a Config. It takes only what is meant: no number for a text, no text for a
// number, no single value for a list, and no key that is not in the struct. A decoder of weak types would turn
// `specimen: "no"` into a guess.
type decoder struct {
	folder string // what relative paths are relative to
	faults Faults
}

func (d *decoder) decode(key string, value any, into reflect.Value, kind string) {
	if value == nil && key != "" {
		d.faults.add(key, `has no value: leave the key out, or write "", [] or a value`)
		return
	}
	switch {
	case into.Type() == durationType:
		d.set(key, into, duration, value)
	case into.Type() == prefixType:
		d.set(key, into, prefix, value)
	case into.Kind() == reflect.Struct:
		d.object(key, value, into)
	case into.Kind() == reflect.Map:
		d.sides(key, value, into)
	case into.Kind() == reflect.Slice:
		d.list(key, value, into)
	case into.Kind() == reflect.String && kind == "path":
		d.set(key, into, d.path, value)
	default:
		d.set(key, into, plain(into.Type()), value)
	}
}

func (d *decoder) set(key string, into reflect.Value, parse func(any) (any, error), value any) {
	parsed, err := parse(value)
	if err != nil {
		d.faults.add(key, "%s", err)
		return
	}
	into.Set(reflect.ValueOf(parsed).Convert(into.Type()))
}

func (d *decoder) object(key string, value any, into reflect.Value) {
	members, isMap := value.(map[string]any)
	if value != nil && !isMap {
		d.faults.add(key, "must be a block of keys")
		return
	}
	known := make(map[string]bool)
	for i := range into.NumField() {
		field := into.Type().Field(i)
		name := field.Tag.Get("koanf")
		known[name] = true
		if member, given := members[name]; given {
			d.decode(join(key, name), member, into.Field(i), field.Tag.Get("kind"))
		}
	}
	for _, name := range sortedKeys(members) {
		if !known[name] {
			d.faults.add(join(key, name), "unknown key")
		}
	}
}

func (d *decoder) sides(key string, value any, into reflect.Value) {
	members, isMap := value.(map[string]any)
	if !isMap {
		d.faults.add(key, "must be a block of keys")
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, name := range sortedKeys(members) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.decode(join(key, name), members[name], element, "")
		into.SetMapIndex(reflect.ValueOf(name), element)
	}
}

func (d *decoder) list(key string, value any, into reflect.Value) {
	elements, isList := value.([]any)
	if !isList {
		d.faults.add(key, "must be a list")
		return
	}
	list := reflect.MakeSlice(into.Type(), len(elements), len(elements))
	for i, element := range elements {
		d.decode(fmt.Sprintf("%s[%d]", key, i), element, list.Index(i), "")
	}
	into.Set(list)
}

// path makes a path absolute, so that it means the same wherever the process was started. An empty one stays empty: it
// means that there is none.
func (d *decoder) path(value any) (any, error) {
	text, isText := value.(string)
	switch {
	case !isText:
		return nil, errors.New("must be a path")
	case text == "" || filepath.IsAbs(text):
		return text, nil
	}
	return filepath.Join(d.folder, text), nil
}

func duration(value any) (any, error) {
	text, isText := value.(string)
	parsed, err := time.ParseDuration(text)
	if !isText || err != nil {
		return nil, errors.New("must be a duration with its unit, such as 90s, 5m or 24h")
	}
	return parsed, nil
}

func prefix(value any) (any, error) {
	text, isText := value.(string)
	parsed, err := netip.ParsePrefix(text)
	if !isText || err != nil || parsed != parsed.Masked() {
		return nil, errors.New("must be an address range such as 10.0.0.0/8, with no bits set after the prefix")
	}
	return parsed, nil
}

func plain(want reflect.Type) func(any) (any, error) {
	return func(value any) (any, error) {
		if reflect.TypeOf(value) != want {
			return nil, fmt.Errorf("must be %s", described(want))
		}
		return value, nil
	}
}

func described(want reflect.Type) string {
	switch want.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	default:
		return "a text"
	}
}

// scalar turns an environment variable into what YAML would have given for a key of this type. A list is separated by
// commas.
func scalar(text string, want reflect.Type) (any, error) {
	switch want.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return nil, errors.New("must be true or false")
		}
		return text == "true", nil
	case reflect.Int:
		number, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.New("must be a whole number")
		}
		return number, nil
	case reflect.Slice:
		return split(text), nil
	default:
		return text, nil
	}
}

func split(text string) []any {
	list := []any{}
	if text == "" {
		return list
	}
	for element := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(element))
	}
	return list
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func sortedKeys(members map[string]any) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
