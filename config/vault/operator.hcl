# What an operator may do in Vault: rotate the gateway's keys, retire old versions and destroy them. He can use none of them,
# read no private half, and not loosen a key's protection: of its configuration he may change the two lower bounds alone.
#
# `gateway vault init` writes this policy as crosscode-operator; see gateway.hcl for other mounts and keys.
# By hand: vault policy write crosscode-operator config/vault/operator.hcl

# Public halves, versions and bounds.
path "transit/keys/packet-gd" { capabilities = ["read"] }
path "transit/keys/packet-mo" { capabilities = ["read"] }
path "transit/keys/packet-hk" { capabilities = ["read"] }
path "transit/keys/gd" { capabilities = ["read"] }
path "transit/keys/mo" { capabilities = ["read"] }
path "transit/keys/hk" { capabilities = ["read"] }
path "transit/keys/receipt" { capabilities = ["read"] }
path "transit/keys/bundle" { capabilities = ["read"] }

# `gateway keys rotate`: a new version.
path "transit/keys/packet-gd/rotate" { capabilities = ["update"] }
path "transit/keys/packet-mo/rotate" { capabilities = ["update"] }
path "transit/keys/packet-hk/rotate" { capabilities = ["update"] }
path "transit/keys/gd/rotate" { capabilities = ["update"] }
path "transit/keys/mo/rotate" { capabilities = ["update"] }
path "transit/keys/hk/rotate" { capabilities = ["update"] }
path "transit/keys/receipt/rotate" { capabilities = ["update"] }
path "transit/keys/bundle/rotate" { capabilities = ["update"] }

# Retiring versions: from when on Vault opens and signs.
path "transit/keys/packet-gd/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/packet-mo/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/packet-hk/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/gd/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/mo/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/hk/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/receipt/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}
path "transit/keys/bundle/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [], "min_encryption_version" = [] }
}

# Destroying retired versions for ever.
path "transit/keys/packet-gd/trim" { capabilities = ["update"] }
path "transit/keys/packet-mo/trim" { capabilities = ["update"] }
path "transit/keys/packet-hk/trim" { capabilities = ["update"] }
path "transit/keys/gd/trim" { capabilities = ["update"] }
path "transit/keys/mo/trim" { capabilities = ["update"] }
path "transit/keys/hk/trim" { capabilities = ["update"] }
path "transit/keys/receipt/trim" { capabilities = ["update"] }
path "transit/keys/bundle/trim" { capabilities = ["update"] }
