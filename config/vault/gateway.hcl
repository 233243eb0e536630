# What the gateway may do in Vault: read its keys' public halves, open packets, sign digests. Nothing else.
#
# `gateway vault init` writes this policy as crosscode-gateway. For another mount or other keys it writes the blocks of
# packet-gd once for each packet key and those of gd once for each signing key; `gateway vault init --print` shows the result.
# By hand: vault policy write crosscode-gateway config/vault/gateway.hcl
#
# A token needs Vault's own "default" policy beside this one, to look itself up, renew itself and be checked.

# Public halves and creation times.
path "transit/keys/packet-gd" { capabilities = ["read"] }
path "transit/keys/packet-mo" { capabilities = ["read"] }
path "transit/keys/packet-hk" { capabilities = ["read"] }
path "transit/keys/gd" { capabilities = ["read"] }
path "transit/keys/mo" { capabilities = ["read"] }
path "transit/keys/hk" { capabilities = ["read"] }
path "transit/keys/receipt" { capabilities = ["read"] }
path "transit/keys/bundle" { capabilities = ["read"] }

# Packets come in batches only. A padding_scheme beside the batch is refused here; one inside an item Vault cannot refuse, so
# the gateway has no way to write one.
path "transit/decrypt/packet-gd" {
  capabilities        = ["update"]
  required_parameters = ["batch_input"]
  allowed_parameters  = { "batch_input" = [], "partial_failure_response_code" = [] }
}
path "transit/decrypt/packet-mo" {
  capabilities        = ["update"]
  required_parameters = ["batch_input"]
  allowed_parameters  = { "batch_input" = [], "partial_failure_response_code" = [] }
}
path "transit/decrypt/packet-hk" {
  capabilities        = ["update"]
  required_parameters = ["batch_input"]
  allowed_parameters  = { "batch_input" = [], "partial_failure_response_code" = [] }
}

# What is signed stays with the gateway, which sends its digest (prehashed) and names the version.
path "transit/sign/gd/sha2-256" {
  capabilities        = ["update"]
  required_parameters = ["batch_input", "key_version", "prehashed"]
  allowed_parameters  = { "batch_input" = [], "key_version" = [], "prehashed" = [true], "marshaling_algorithm" = ["jws"] }
}
path "transit/sign/mo/sha2-256" {
  capabilities        = ["update"]
  required_parameters = ["batch_input", "key_version", "prehashed"]
  allowed_parameters  = { "batch_input" = [], "key_version" = [], "prehashed" = [true], "marshaling_algorithm" = ["jws"] }
}
path "transit/sign/hk/sha2-256" {
  capabilities        = ["update"]
  required_parameters = ["batch_input", "key_version", "prehashed"]
  allowed_parameters  = { "batch_input" = [], "key_version" = [], "prehashed" = [true], "marshaling_algorithm" = ["jws"] }
}
path "transit/sign/receipt/sha2-256" {
  capabilities        = ["update"]
  required_parameters = ["batch_input", "key_version", "prehashed"]
  allowed_parameters  = { "batch_input" = [], "key_version" = [], "prehashed" = [true], "marshaling_algorithm" = ["jws"] }
}
path "transit/sign/bundle/sha2-256" {
  capabilities        = ["update"]
  required_parameters = ["batch_input", "key_version", "prehashed"]
  allowed_parameters  = { "batch_input" = [], "key_version" = [], "prehashed" = [true], "marshaling_algorithm" = ["jws"] }
}
