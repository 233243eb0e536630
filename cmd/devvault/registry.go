package main

import (
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// registry tells the core which plugins are built in. The core panics without one.
type registry struct{}

func (registry) find(name string, kind consts.PluginType) (logical.Factory, bool) {
	factory, found := registry{}.all(kind)[name]
	return factory, found
}

func (registry) all(kind consts.PluginType) map[string]logical.Factory {
	switch kind {
	case consts.PluginTypeSecrets:
		return engines
	case consts.PluginTypeCredential:
		return logins
	default:
		return nil
	}
}

// Contains tells whether the plugin is built in.
func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, found := r.find(name, kind)
	return found
}

// Get gives the maker of a plugin's factory.
func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factory, found := r.find(name, kind)
	return func() (any, error) { return factory, nil }, found
}

// Keys lists the plugins of one kind.
func (r registry) Keys(kind consts.PluginType) []string { return slices.Sorted(maps.Keys(r.all(kind))) }

// DeprecationStatus says that every plugin here is supported.
func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

// IsBuiltinEntPlugin says that no plugin here is of the Enterprise edition.
func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
