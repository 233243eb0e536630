package transit

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"crosscode/crypto/keys"
)

// decryptRequest is the body of <mount>/decrypt/<key>. It is always a batch, even of one: Vault answers a lone bad
// ciphertext with 500, which looks like an outage, and with batch_results beside it only in a batch. There is no
// padding_scheme here, and there must never be one: with pkcs1v15 Vault would be a Bleichenbacher oracle.
type decryptRequest struct {
	Items []decryptItem `json:"batch_input"`
	// PartialFailure is what a batch with good and bad items is answered with. Without it that is 500.
	PartialFailure int `json:"partial_failure_response_code"`
}

type decryptItem struct {
	Ciphertext string `json:"ciphertext"`
	Reference  string `json:"reference"`
}

// signRequest is the body of <mount>/sign/<key>/sha2-256. The version is that of the kid in the header, which is chosen
// before (threat T25); input is a digest, so that nothing personal reaches Vault or its audit log.
type signRequest struct {
	Items      []signItem `json:"batch_input"`
	Version    int        `json:"key_version"`
	Prehashed  bool       `json:"prehashed"`
	Marshaling string     `json:"marshaling_algorithm"`
}

type signItem struct {
	Input     string `json:"input"`
	Reference string `json:"reference"`
}

// batchReply is what Vault answers to both, with whatever status.
type batchReply struct {
	Data struct {
		Results []batchResult `json:"batch_results"`
	} `json:"data"`
}

type batchResult struct {
	Reference string  `json:"reference"`
	Error     string  `json:"error"`
	Plaintext *string `json:"plaintext"`
	Signature string  `json:"signature"`
	Version   int     `json:"key_version"`
}

var (
	errResults   = errors.New("vault's results do not fit the request")
	errItem      = errors.New("vault refused to use this version")
	errSignature = errors.New("a signature of vault's does not hold under the version that was asked for")
)

// decrypt is the call of the decrypt desk. An item that Vault cannot open is its sender's affair: it is never tried again.
func (r *Ring) decrypt(ctx context.Context, key keys.Public, items []*item) ([]result, error) {
	request := decryptRequest{Items: make([]decryptItem, len(items)), PartialFailure: http.StatusOK}
	references := r.references(len(items))
	for i, one := range items {
		ciphertext := versionPrefix(key) + base64.StdEncoding.EncodeToString(one.input) // standard alphabet: Vault refuses JOSE's
		request.Items[i] = decryptItem{Ciphertext: ciphertext, Reference: references[i]}
	}
	answered, err := r.batch(ctx, "decrypt/"+key.Name, request, references)
	if err != nil {
		return nil, newOutage(err, 0)
	}
	results := make([]result, len(items))
	for i, one := range answered {
		results[i].output, results[i].err = one.plaintext()
	}
	return results, nil
}

// plaintext takes every error for a bad ciphertext but those that no sender can cause, so that a new wording of Vault's
// could never let a sender look like an outage. The version is ours: an honest packet must not be refused for it.
func (b batchResult) plaintext() ([]byte, error) {
	switch {
	case strings.Contains(b.Error, "version is too new"), strings.Contains(b.Error, "version is disallowed"):
		return nil, newOutage(errItem, 0)
	case b.Error != "":
		return nil, keys.ErrDecrypt
	case b.Plaintext == nil:
		return nil, newOutage(errResults, 0)
	}
	opened, err := base64.StdEncoding.Strict().DecodeString(*b.Plaintext)
	if err != nil {
		return nil, newOutage(errResults, 0)
	}
	return opened, nil
}

// sign is the call of the sign desk.
func (r *Ring) sign(ctx context.Context, key keys.Public, items []*item) ([]result, error) {
	request := signRequest{Items: make([]signItem, len(items)), Version: key.Version, Prehashed: true, Marshaling: "jws"}
	references := r.references(len(items))
	for i, one := range items {
		request.Items[i] = signItem{Input: base64.StdEncoding.EncodeToString(one.input), Reference: references[i]}
	}
	answered, err := r.batch(ctx, "sign/"+key.Name+"/sha2-256", request, references)
	if err != nil {
		return nil, newOutage(err, 0)
	}
	results := make([]result, len(items))
	for i, one := range answered {
		results[i].output, results[i].err = one.signature(key)
	}
	return results, nil
}

// signature gives the 64 bytes. Whether they hold is for whoever asked to check, on his own time: see version.Sign.
func (b batchResult) signature(key keys.Public) ([]byte, error) {
	encoded, prefixed := strings.CutPrefix(b.Signature, versionPrefix(key))
	switch {
	case b.Error != "":
		return nil, newOutage(errItem, 0)
	case !prefixed, b.Version != key.Version:
		return nil, newOutage(errResults, 0)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != signatureLength {
		return nil, newOutage(errResults, 0)
	}
	return raw, nil
}

// signatureLength is r‖s on P-256 (RFC 7518 §3.4).
const signatureLength = 64

func holds(key keys.Public, digest [32]byte, raw []byte) bool {
	public, isECDSA := key.Key.(*ecdsa.PublicKey)
	if !isECDSA || len(raw) != signatureLength {
		return false
	}
	return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
}

func versionPrefix(key keys.Public) string { return "vault:v" + strconv.Itoa(key.Version) + ":" }

// references names the items of one request. No two items of one process share a name, so that an answer to another
// request is told from ours.
func (r *Ring) references(count int) []string {
	list := make([]string, count)
	for i := range list {
		list[i] = strconv.FormatUint(r.reference.Add(1), 36)
	}
	return list
}

// batch sends one batch and gives its results in the order of the references. A body with results is an answer, whatever its
// status: a batch of nothing but bad ciphertexts comes as 500, one with a version that Vault does not have as 400.
func (r *Ring) batch(ctx context.Context, path string, request any, references []string) ([]batchResult, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	reply, err := r.twice(ctx, http.MethodPost, path, body, func(reply Reply) bool {
		return bytes.Contains(reply.Body, []byte(`"batch_results"`))
	})
	if err != nil {
		return nil, err
	}
	defer clear(reply.Body) // it may hold content keys
	var parsed batchReply
	if err := json.Unmarshal(reply.Body, &parsed); err != nil {
		return nil, errResults // the error itself may quote them
	}
	return inOrder(parsed.Data.Results, references)
}

// inOrder finds each reference exactly once. Anything else, and none of the results can be trusted to be whose it says
// (threat T22).
func inOrder(results []batchResult, references []string) ([]batchResult, error) {
	if len(results) != len(references) {
		return nil, errResults
	}
	byReference := make(map[string]batchResult, len(results))
	for _, result := range results {
		byReference[result.Reference] = result
	}
	ordered := make([]batchResult, len(results))
	for i, reference := range references {
		result, found := byReference[reference]
		if !found {
			return nil, errResults
		}
		ordered[i] = result
	}
	return ordered, nil
}

// twice asks once, and a second time where that is likely to help: the connection broke, or Vault said that it is not the one
// to ask just now. Reading, decrypting and signing change nothing at Vault, so doing any of them twice is safe. What is not
// an answer is a *Fault.
func (r *Ring) twice(ctx context.Context, method, path string, body []byte, answers func(Reply) bool) (Reply, error) {
	reply, err := r.once(ctx, method, path, body, answers)
	if wait, worth := again(ctx, err); worth && pause(ctx, wait) {
		return r.once(ctx, method, path, body, answers)
	}
	return reply, err
}

func (r *Ring) once(ctx context.Context, method, path string, body []byte, answers func(Reply) bool) (Reply, error) {
	reply, err := r.config.Vault.Call(ctx, method, r.config.Mount+"/"+path, body)
	switch {
	case err != nil:
		return Reply{}, err
	case answers(reply):
		return reply, nil
	case reply.Status/100 == 2:
		return Reply{}, errResults
	default:
		return Reply{}, answered(reply)
	}
}

// retryPause is the least that is waited before the second attempt; it is up to three times that.
const retryPause = 25 * time.Millisecond

// again tells whether, and after which pause, to ask once more. A call that timed out is not worth it, nor is one for which
// Vault's own Retry-After leaves no time. Waiting keeps the flight, so that nothing else is sent in the meantime.
func again(ctx context.Context, err error) (time.Duration, bool) {
	var fault *Fault
	if !errors.As(err, &fault) {
		return 0, false
	}
	wait := retryPause + rand.N(2*retryPause) + fault.After //nolint:gosec // jitter
	deadline, bounded := ctx.Deadline()
	inTime := fault.After == 0 || bounded && time.Until(deadline) > 2*wait
	switch fault.Kind {
	case Unreachable, Sealed, Redirected, Busy:
		return wait, inTime
	case Broken:
		return wait, inTime && (fault.Status == http.StatusBadGateway || fault.Status == http.StatusGatewayTimeout)
	default:
		return 0, false
	}
}

func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
