package api

import (
	"github.com/labstack/echo/v4"
)

// bundleAge is how many seconds a cache may keep a bundle. A recall or a closing must be in it within a minute, and
// Config.Bundle may itself be half a minute behind.
const bundleAge = 20

// bundle gives the officers' signed offline bundle.
func (s *Server) bundle(c echo.Context) error {
	token, _, err := s.config.Bundle(c.Request().Context())
	if err != nil {
		return err
	}
	return publish(c, mediaJOSE, []byte(token), bundleAge)
}
