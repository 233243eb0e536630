package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// maxFile bounds the key file: some hundred RSA keys.
const maxFile = 1 << 20

// What is wrong with a key file. The text around each says what to do.
var (
	ErrFileExists  = errors.New("the key file exists already and is not overwritten")
	ErrFileMode    = errors.New("others than its owner can read the private keys")
	ErrFileBusy    = errors.New("another rotation is under way, or was cut short")
	ErrFileInvalid = errors.New("not a key file")
)

// The file's form. Private keys are PKCS #8.
type (
	fileForm struct {
		Notice string    `json:"notice"`
		Keys   []fileKey `json:"keys"`
	}
	fileKey struct {
		Name      string        `json:"name"`
		Algorithm Algorithm     `json:"algorithm"`
		Versions  []fileVersion `json:"versions"`
	}
	fileVersion struct {
		Version   int       `json:"version"`
		CreatedAt time.Time `json:"created_at"`
		SignsFrom time.Time `json:"signs_from"`
		Private   []byte    `json:"private"`
	}
)

func load(path string) (*chest, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s: %w", path, ErrFileInvalid)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s has mode %04o: %w; run: chmod 600 %s", path, info.Mode().Perm(), ErrFileMode, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return read, nil
}

func decode(data []byte) (*chest, error) {
	var form fileForm
	if err := json.Unmarshal(data, &form, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: not strict JSON of the right form", ErrFileInvalid)
	}
	read := &chest{held: map[string][]held{}}
	for _, key := range form.Keys {
		if read.held[key.Name] != nil || len(key.Versions) == 0 {
			return nil, fmt.Errorf("%w: key %q is there twice, or has no version", ErrFileInvalid, key.Name)
		}
		versions, err := key.open()
		if err != nil {
			return nil, err
		}
		read.names = append(read.names, key.Name)
		read.held[key.Name] = versions
	}
	return read.index(), nil
}

func (k fileKey) open() ([]held, error) {
	versions := make([]held, 0, len(k.Versions))
	for i, version := range k.Versions {
		if version.Version < 1 || i > 0 && version.Version != k.Versions[i-1].Version+1 {
			return nil, fmt.Errorf("%w: key %q: versions are not in order", ErrFileInvalid, k.Name)
		}
		private, err := x509.ParsePKCS8PrivateKey(version.Private)
		if err != nil {
			return nil, fmt.Errorf("%w: key %q version %d: not a PKCS #8 key", ErrFileInvalid, k.Name, version.Version)
		}
		opened, err := assemble(Public{
			Name: k.Name, Version: version.Version, Algorithm: k.Algorithm,
			CreatedAt: version.CreatedAt.UTC(), SignsFrom: version.SignsFrom.UTC(),
		}, private)
		if err != nil {
			return nil, err
		}
		versions = append(versions, opened)
	}
	return versions, nil
}

// assemble binds a private key to its algorithm, and gives it its kid. A key of another kind, curve or size is refused.
func assemble(public Public, private crypto.PrivateKey) (held, error) {
	h := held{public: public}
	switch key := private.(type) {
	case *rsa.PrivateKey:
		h.rsa, h.public.Key = key, &key.PublicKey
	case *ecdh.PrivateKey:
		h.ecdh = key
	case *ecdsa.PrivateKey:
		h.signing, h.public.Key = key, &key.PublicKey
	}
	if err := h.settle(); err != nil {
		return held{}, fmt.Errorf("%w: key %q version %d: %w", ErrFileInvalid, public.Name, public.Version, err)
	}
	var err error
	h.public.KeyID, err = KeyID(public.Name, public.Version, h.public.Key)
	return h, err
}

// settle makes a P-256 key of PKCS #8, which x509 reads as a signing key, into what the algorithm says it is.
func (h *held) settle() error {
	if err := h.spec().check(); err != nil {
		return err
	}
	switch h.public.Algorithm {
	case RSAOAEP256:
		if h.rsa == nil || h.rsa.Validate() != nil {
			return errKeyType
		}
		return nil
	case ECDHES:
		return h.agreement()
	default:
		if h.signing == nil || h.signing.Curve != elliptic.P256() {
			return errKeyType
		}
		return nil
	}
}

func (h *held) agreement() (err error) {
	if h.signing != nil {
		if h.ecdh, err = h.signing.ECDH(); err != nil {
			return errKeyType
		}
		h.signing = nil
	}
	if h.ecdh == nil || h.ecdh.Curve() != ecdh.P256() {
		return errKeyType
	}
	h.public.Key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), h.ecdh.PublicKey().Bytes())
	return err
}

func (h held) private() crypto.PrivateKey {
	switch h.public.Algorithm {
	case RSAOAEP256:
		return h.rsa
	case ECDHES:
		return h.ecdh
	default:
		return h.signing
	}
}

func encode(c *chest) ([]byte, error) {
	form := fileForm{Notice: Notice, Keys: []fileKey{}}
	for _, name := range c.names {
		key := fileKey{Name: name, Versions: []fileVersion{}}
		for _, version := range c.held[name] {
			private, err := x509.MarshalPKCS8PrivateKey(version.private())
			if err != nil {
				return nil, err
			}
			key.Algorithm = version.public.Algorithm
			key.Versions = append(key.Versions, fileVersion{
				Version: version.public.Version, CreatedAt: version.public.CreatedAt,
				SignsFrom: version.public.SignsFrom, Private: private,
			})
		}
		form.Keys = append(form.Keys, key)
	}
	return stdjson.MarshalIndent(form, "", "  ")
}

// create writes a new file whole, then links it into place: a link never replaces what is there, and nobody sees half a
// file.
func create(path string, made *chest) error {
	return write(path, made, func(draft string) error {
		if err := os.Link(draft, path); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", path, ErrFileExists)
		} else if err != nil {
			return err
		}
		return os.Remove(draft)
	})
}

// replace reads the file, lets change alter what was read, and puts the new file in the old one's place at once.
func replace(path string, change func(*chest) error) error {
	draft, err := lock(path)
	if err != nil {
		return err
	}
	defer draft.abandon()
	read, err := load(path)
	if err != nil {
		return err
	}
	if err := change(read); err != nil {
		return err
	}
	return draft.fill(read, func(name string) error { return os.Rename(name, path) })
}

func write(path string, made *chest, publish func(draft string) error) error {
	draft, err := lock(path)
	if err != nil {
		return err
	}
	defer draft.abandon()
	return draft.fill(made, publish)
}

// draft is the file <path>.new, which exists for as long as one process changes the keys: it is the lock as well.
type draft struct{ file *os.File }

func lock(path string) (*draft, error) {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: if no other command is running, remove %s.new", ErrFileBusy, path)
	}
	if err != nil {
		return nil, err
	}
	return &draft{file: file}, nil
}

// abandon removes what was not published; after a publication there is nothing left to remove.
func (d *draft) abandon() {
	_ = d.file.Close()
	_ = os.Remove(d.file.Name())
}

// fill writes and syncs before it publishes, so that a crash leaves the old file or the new one.
func (d *draft) fill(c *chest, publish func(draft string) error) error {
	data, err := encode(c)
	if err != nil {
		return err
	}
	if _, err := d.file.Write(slices.Concat(data, []byte("\n"))); err != nil {
		return err
	}
	if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
		return err
	}
	if err := publish(d.file.Name()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(d.file.Name()))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
