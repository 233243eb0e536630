// Package config is the operator's one file: a documented struct, its loader, and example.yaml, which `make run` serves
// from.
//
// It is data only. Load reads one YAML file and the environment, and opens nothing that the file names: keys, certificates
// and cached key sets are opened by the packages that use them. Only cmd/gateway imports this package.
//
// # Where a value comes from
//
//	default        Defaults, field by field in the comments of Config
//	file           overrides the default; an unknown key, a key given twice or a wrong type is a fault
//	environment    overrides the file; CROSSCODE_ + the key path in capitals, with _ for each dot:
//	               trust.cache_dir             CROSSCODE_TRUST_CACHE_DIR
//	               trust.sides.macau.url       CROSSCODE_TRUST_SIDES_MACAU_URL
//	               origins                     CROSSCODE_ORIGINS=https://a.example,https://b.example
//	               An unknown CROSSCODE_ name is a fault too, or a typing error would go unnoticed. CROSSCODE_CONFIG alone
//	               is left alone: it belongs to the command line (the path of the file).
//
// All faults are reported at once, each with its key path, as Faults. What Load returns has been checked and needs no
// second look: addresses parse, URLs are absolute, durations and limits are within the bounds stated beside them, and paths
// are absolute.
//
// # Paths
//
// A relative path is relative to the folder of the file, also when it comes from the environment, and never to the folder
// in which the process was started. example.yaml stands in config/ and keeps its data in ../.run/, hence in .run/ at the
// root of the repository, wherever the command is run from.
//
// # What is not here
//
// How long an officer's bundle is good is a constant of package exchange (BundleSoftLife, BundleHardLife): a new signing
// key waits for exactly that long on every replica, so two replicas that were configured differently would disagree about
// which key signs. Body and packet limits are constants beside their parsers for the same reason. Rules are data of their own (package
// jurisdictions); secrets are never in this file, only the paths of the files that hold them.
package config
