package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Prefix begins every environment variable that overrides a key.
const Prefix = "CROSSCODE_"

// pathVariable names the file itself. It is the command line's, so the loader passes over it.
const pathVariable = Prefix + "CONFIG"

// Fault is one thing that is wrong with the configuration.
type Fault struct {
	// Key is the key path, such as "trust.sides.macau.url", or the name of an environment variable that overrides nothing.
	Key string
	// Message says what is wrong and what would be right.
	Message string
}

// Faults is everything that is wrong with the configuration, in the order of the struct. It is the error of Load whenever
// the file could be read and is YAML.
type Faults []Fault

// Error is one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, 0, len(f)+1)
	lines = append(lines, fmt.Sprintf("configuration: %d fault(s)", len(f)))
	for _, fault := range f {
		lines = append(lines, "  "+fault.Key+": "+fault.Message)
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) add(key, format string, args ...any) {
	*f = append(*f, Fault{Key: key, Message: fmt.Sprintf(format, args...)})
}

// Load reads the YAML file at path, overrides it with those of env ("NAME=value", as os.Environ gives them) that begin with
// Prefix, and checks the whole. The error is Faults, or says why the file could not be read.
func Load(path string, env []string) (Config, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	tree, faults, err := read(absolute, env)
	if err != nil {
		return Config{}, err
	}
	config := Defaults()
	decoder := decoder{folder: filepath.Dir(absolute)}
	decoder.decode("", tree, reflect.ValueOf(&config).Elem(), "")
	faults = append(faults, decoder.faults...)
	// A value that did not decode is still the default, which the checks below take for granted or report as missing: only
	// the first fault of a key is worth telling.
	faults = faults.merge(check(config))
	if len(faults) > 0 {
		return Config{}, faults
	}
	return config, nil
}

// read merges the file and the environment into one tree.
func read(path string, environment []string) (tree map[string]any, faults Faults, err error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		var missing *fs.PathError
		if errors.As(err, &missing) {
			return nil, nil, fmt.Errorf("configuration: %w", err)
		}
		return nil, nil, fmt.Errorf("configuration: %s: %w", path, err)
	}
	names := variables(configType)
	overrides := env.Provider(".", env.Opt{
		Prefix:      Prefix,
		EnvironFunc: func() []string { return environment },
		TransformFunc: func(name, value string) (string, any) {
			if name == pathVariable {
				return "", nil
			}
			key, field, known := names.find(name)
			if !known {
				faults.add(name, "no key has this name")
				return "", nil
			}
			typed, err := scalar(value, field)
			if err != nil {
				faults.add(key, "%s: %s", name, err)
				return "", nil
			}
			return key, typed
		},
	})
	if err := k.Load(overrides, nil); err != nil {
		return nil, nil, fmt.Errorf("configuration: environment: %w", err)
	}
	return k.Raw(), faults, nil
}

// merge adds those of more whose key has no fault yet.
func (f Faults) merge(more Faults) Faults {
	told := make(map[string]bool, len(f))
	for _, fault := range f {
		told[fault.Key] = true
	}
	for _, fault := range more {
		if !told[fault.Key] {
			f = append(f, fault)
		}
	}
	return f
}
