// Package jurisdictiontest is what every side must pass, and the specimens to try it with.
//
// Run is the suite: a side's own test is one call of it. It sees a side through exchange.Jurisdiction and its rules alone,
// so that a new side is held to the same as the first three. What has to be compared between sides is in this package's
// own tests.
//
// Specimen claims are plain JSON trees that other packages' tests can use as well:
//
//	claims := jurisdictiontest.GreenClaims(source, "macau", at)   // everything every rule of the standing version asks
//	claims  = jurisdictiontest.With(claims, "health.colour", "red")
//	claims  = jurisdictiontest.Without(claims, "evidence[0].result")
//	record, err := source.Read(jurisdictiontest.Claims(claims))
//
// Everybody in a specimen is invented. CanaryHan, CanaryLatin and the document numbers stand in every one of them, so that
// a test can look for personal data in any output. The birth dates and ages follow from the instant that the caller gives;
// nothing here reads a clock.
package jurisdictiontest
