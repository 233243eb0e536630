package transit

import (
	"net/http"
	"strconv"
	"time"
)

// Reply is what Vault answered.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// maxRetryAfter is the longest pause that is believed.
const maxRetryAfter = time.Minute

// retryAfter is what Vault asks for, zero if it does not. It is read in seconds only (RFC 9110 §10.2.3): Vault sends no dates.
func (r Reply) retryAfter() time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 3600))*time.Second, maxRetryAfter)
}
