//go:build ignore

// Makes a consent packet with go-jose (version 4): go run seal.go GATEWAY KEY CLAIMS
//
//	GATEWAY  the gateway's URL, such as http://127.0.0.1:8080
//	KEY      your private signing key: a file with one JWK that has kid and alg; the public half is in your key set
//	CLAIMS   a file with the claims but aud, jti, iat, nbf and exp, which belong to this one packet
//
// The packet is one line on standard output.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// metadata is what is needed of GET /.well-known/code-exchange.
type metadata struct {
	Issuer     string              `json:"issuer"`
	PacketKeys map[string][]string `json:"packet_keys"`
	Limits     struct {
		PacketLife int64 `json:"packet_life_seconds"`
	} `json:"limits"`
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go run seal.go GATEWAY KEY CLAIMS")
	}
	packet, err := seal(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(packet)
}

func seal(gateway, keyFile, claimsFile string) (string, error) {
	var about metadata
	var gatewayKeys jose.JSONWebKeySet
	var own jose.JSONWebKey
	var claims map[string]any
	for _, err := range []error{
		fetchJSON(gateway+"/.well-known/code-exchange", &about), fetchJSON(gateway+"/.well-known/jwks.json", &gatewayKeys),
		readJSON(keyFile, &own), readJSON(claimsFile, &claims),
	} {
		if err != nil {
			return "", err
		}
	}
	signed, err := sign(claims, own, about)
	if err != nil {
		return "", err
	}
	// The newest key for packets of your side stands first.
	kids := about.PacketKeys[fmt.Sprint(claims["iss"])]
	if len(kids) == 0 || len(gatewayKeys.Key(kids[0])) == 0 {
		return "", fmt.Errorf("the gateway has no packet key for %v", claims["iss"])
	}
	return encrypt(signed, gatewayKeys.Key(kids[0])[0])
}

func sign(claims map[string]any, own jose.JSONWebKey, about metadata) (string, error) {
	random, now := make([]byte, 16), time.Now().Unix()
	_, _ = rand.Read(random) // it never fails
	claims["aud"], claims["jti"] = about.Issuer, base64.RawURLEncoding.EncodeToString(random)
	claims["iat"], claims["nbf"], claims["exp"] = now, now, now+about.Limits.PacketLife
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	// A signer that is given a JWK writes its kid into the header.
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(own.Algorithm), Key: own},
		new(jose.SignerOptions).WithType("consent-packet+jwt"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func encrypt(signed string, to jose.JSONWebKey) (string, error) {
	recipient := jose.Recipient{Algorithm: jose.KeyAlgorithm(to.Algorithm), Key: to.Key, KeyID: to.KeyID}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient,
		new(jose.EncrypterOptions).WithType("consent-packet+jwe").WithContentType("JWT"))
	if err != nil {
		return "", err
	}
	packet, err := encrypter.Encrypt([]byte(signed))
	if err != nil {
		return "", err
	}
	return packet.CompactSerialize()
}

func fetchJSON(url string, into any) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", url, response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
