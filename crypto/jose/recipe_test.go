package jose

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// vector is one packet and what must become of it. Since no private key is committed, a vector says how to make the packet
// from keys that the test makes: by default go-jose seals macau's genuine claims, and each field changes one thing.
type vector struct {
	Name   string `json:"name"`
	Clause string `json:"clause"`
	// What must happen: Stage is empty for a packet that is accepted. RingCalls is how often a private key is used.
	Stage     string `json:"stage"`
	RingCalls int64  `json:"ring_calls"`

	Literal string `json:"literal"` // the packet itself; nothing below applies

	// The inner JWS.
	Claims        string `json:"claims"`        // instead of the genuine claims
	ExtraClaims   string `json:"extra_claims"`  // members to add to them
	Signer        string `json:"signer"`        // "macau sign-es" by default: whose key, and the kid
	Secret        string `json:"secret"`        // HS256 with this form of the signer's public key: pem, der, jwk, point
	InnerHeader   string `json:"inner_header"`  // the whole header
	InnerMembers  string `json:"inner_members"` // members to add to the genuine header
	Twin          bool   `json:"twin"`          // the other valid ECDSA signature
	InnerEdits    []edit `json:"inner_edits"`   // of the compact JWS
	Layers        string `json:"layers"`        // what is sealed: "claims", "jws jws", "jwe jws"; default "jws"
	Serialization string `json:"serialization"` // of the packet: "flattened", "general"; default compact

	// The outer JWE.
	Alg     string `json:"alg"` // RSA-OAEP-256 by default
	Enc     string `json:"enc"`
	Zip     string `json:"zip"`
	Key     string `json:"key"`     // name of the packet key; by default one that fits alg
	Header  string `json:"header"`  // the whole header, sealed as it stands: {alg} {kid} {epk} are filled in
	Members string `json:"members"` // members to add to the genuine header, sealed as they stand
	Edits   []edit `json:"edits"`   // of the compact JWE, after sealing
}

// edit changes a compact token's text after it was made.
type edit struct {
	Op      string `json:"op"`
	Segment int    `json:"segment"`
	At      int    `json:"at"`
	Size    int    `json:"size"`
	Text    string `json:"text"`
}

func (e edit) apply(t testing.TB, token string) string {
	t.Helper()
	segments := strings.Split(token, ".")
	segment := &segments[min(e.Segment, len(segments)-1)]
	switch e.Op {
	case "insert": // text at a place in a segment; beyond its end means at its end
		at := min(e.At, len(*segment))
		*segment = (*segment)[:at] + e.Text + (*segment)[at:]
	case "replace":
		*segment = e.Text
	case "append":
		return token + e.Text
	case "prepend":
		return e.Text + token
	case "drop":
		segments = slices.Delete(segments, e.Segment, e.Segment+1)
	case "resize": // the decoded bytes, cut or filled up with zeros
		data := decoded(t, *segment)
		*segment = b64(append(data, make([]byte, max(0, e.Size-len(data)))...)[:e.Size])
	case "extend": // the decoded bytes, with text behind them
		*segment = b64(append(decoded(t, *segment), e.Text...))
	case "flip": // one bit of the decoded bytes
		data := decoded(t, *segment)
		data[e.At] ^= 1
		*segment = b64(data)
	case "stray": // a bit that base64 does not use
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := len(*segment) - 1
		*segment = (*segment)[:last] + string(alphabet[strings.IndexByte(alphabet, (*segment)[last])|1])
	case "standard": // the alphabet of RFC 4648 §4
		*segment = strings.NewReplacer("-", "+", "_", "/").Replace(*segment) + "+/"
	default:
		t.Fatalf("unknown edit %q", e.Op)
	}
	return strings.Join(segments, ".")
}

func decoded(t testing.TB, segment string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func edited(t testing.TB, token string, edits []edit) string {
	t.Helper()
	for _, e := range edits {
		token = e.apply(t, token)
	}
	return token
}

// fill puts kids where a header has key names: {packet-gd}, {mo}.
func (w *world) fill(header string) string {
	for _, public := range w.ring.Public() {
		header = strings.ReplaceAll(header, "{"+public.Name+"}", public.KeyID)
	}
	return header
}

// make follows the recipe.
func (v vector) make(t testing.TB, w *world) string {
	t.Helper()
	if v.Literal != "" {
		return v.Literal
	}
	signed := edited(t, v.sign(t, w, []byte(v.claims())), v.InnerEdits)
	switch v.Layers {
	case "claims":
		signed = v.claims()
	case "jws jws":
		signed = v.sign(t, w, []byte(signed))
	case "jwe jws":
		signed = sealTo(t, gojose.RSA_OAEP_256, w.packetKey(t, "packet-mo"), []byte(signed))
	}
	return edited(t, v.seal(t, w, []byte(signed)), v.Edits)
}

func (v vector) claims() string {
	claims := claimsOf("macau")
	if v.Claims != "" {
		claims = strings.ReplaceAll(v.Claims, "{aud}", gateway)
	}
	if v.ExtraClaims != "" {
		claims = strings.TrimSuffix(claims, "}") + "," + v.ExtraClaims + "}"
	}
	return claims
}

func (v vector) sign(t testing.TB, w *world, payload []byte) string {
	t.Helper()
	side, keyID, _ := strings.Cut(v.Signer, " ")
	if v.Signer == "" {
		side, keyID = "macau", "sign-es"
	}
	var key any = w.es256[exchange.Side(side)]
	alg := "ES256"
	if keyID == "sign-ed" {
		key, alg = w.ed25519[exchange.Side(side)], "EdDSA"
	}
	if v.Secret != "" {
		key, alg = secret(t, v.Secret, &w.es256[exchange.Side(side)].PublicKey), "HS256"
	}
	header := `{"alg":"` + alg + `","kid":"` + keyID + `","typ":"` + claimsType + `"}`
	if v.InnerMembers != "" {
		header = strings.TrimSuffix(header, "}") + "," + v.InnerMembers + "}"
	}
	if v.InnerHeader != "" {
		header = v.InnerHeader
	}
	token := bareSign(t, key, header, payload)
	if v.Twin {
		return twin(t, token, w.es256[exchange.Side(side)])
	}
	return token
}

// secret is a public key's bytes as somebody might take them for an HMAC key (threat T2).
func secret(t testing.TB, form string, key *ecdsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := keys.JWK(keys.Public{KeyID: "sign-es", Algorithm: keys.ES256, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string][]byte{
		"der": der, "pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "point": point, "jwk": jwk,
	}
	if forms[form] == nil {
		t.Fatalf("unknown form %q", form)
	}
	return forms[form]
}

func (v vector) seal(t testing.TB, w *world, payload []byte) string {
	t.Helper()
	alg := v.Alg
	if alg == "" {
		alg = "RSA-OAEP-256"
	}
	name := v.Key
	if name == "" {
		name = "packet-mo"
		if strings.HasPrefix(alg, "ECDH-ES") {
			name = "packet-gd"
		}
	}
	public := w.packetKey(t, name)
	if v.Header != "" || v.Members != "" {
		return bareSeal(t, alg, public.Key, w.fill(v.header(alg, public.KeyID)), payload)
	}
	return v.theirSeal(t, alg, public, payload)
}

func (v vector) header(alg, keyID string) string {
	header := `{"alg":"{alg}","enc":"A256GCM","kid":"{kid}","typ":"consent-packet+jwe","cty":"JWT"}`
	if strings.HasPrefix(alg, "ECDH-ES") {
		header = strings.TrimSuffix(header, "}") + `,"epk":{epk}}`
	}
	if v.Members != "" {
		header = strings.TrimSuffix(header, "}") + "," + v.Members + "}"
	}
	if v.Header != "" {
		header = v.Header
	}
	return strings.NewReplacer("{alg}", alg, "{kid}", keyID).Replace(header)
}

func (v vector) theirSeal(t testing.TB, alg string, public keys.Public, payload []byte) string {
	t.Helper()
	enc, zip := gojose.A256GCM, gojose.CompressionAlgorithm(v.Zip)
	if v.Enc != "" {
		enc = gojose.ContentEncryption(v.Enc)
	}
	var key any = public.Key
	switch {
	case alg == "dir", strings.HasPrefix(alg, "A256"):
		key = make([]byte, 32)
	case strings.HasPrefix(alg, "A128"):
		key = make([]byte, 16)
	case strings.HasPrefix(alg, "PBES2"):
		key = []byte("password")
	}
	object := theirSeal(t, enc, zip, gojose.Recipient{Algorithm: gojose.KeyAlgorithm(alg), Key: key, KeyID: public.KeyID}, payload)
	if v.Serialization == "" {
		token, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	return serialize(t, v.Serialization, object.FullSerialize())
}

// serialize gives the flattened form as it is, or makes the general one of it (RFC 7516 §7.2).
func serialize(t testing.TB, form, flattened string) string {
	t.Helper()
	if form == "flattened" {
		return flattened
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(flattened), &members); err != nil {
		t.Fatal(err)
	}
	members["recipients"] = []any{map[string]any{"encrypted_key": members["encrypted_key"]}}
	delete(members, "encrypted_key")
	general, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(general)
}

// vectors reads all vector files. An empty folder fails the test that asks: a suite without cases passes everything.
func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vector files", err)
	}
	all := []vector{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []vector
		if err := decodeStrict(data, &list); err != nil || len(list) == 0 {
			t.Fatalf("%s: %d vectors, %v", file, len(list), err)
		}
		for i := range list {
			list[i].Name = strings.TrimSuffix(filepath.Base(file), ".json") + "/" + list[i].Name
		}
		all = append(all, list...)
	}
	return all
}

func decodeStrict(data []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
