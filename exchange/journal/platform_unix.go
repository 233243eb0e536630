//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps a second process from writing a second chain into the file. It ends with the file or the process.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// syncFolder makes the files' names outlast a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
