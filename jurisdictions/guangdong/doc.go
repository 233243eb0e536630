// Package guangdong is Guangdong's side: 粤康码, of the provincial administration of government services and data.
//
//	file             what is in it
//	rulebook.yaml    what makes a code of Guangdong green, and what Guangdong asks of those who come; dated
//	consents.yaml    the wordings under which people send their code away from Guangdong
//	forms.yaml       what Guangdong wants declared before a packet is made: nothing (the itinerary is asked after the handoff)
//	ports.yaml       the border crossings to Macau
//	vocabulary.go    the words that Guangdong signs
//	side.go          all of this, put together
//
//	log-in     "app", the mini-program 粤省事; "h5", the page 粤康码(入境人员)
//	colours    green, red; yellow since June 2021; 亮码失败 is "none"
//	code       gd-code+jwt, signed by the key "gd"; 24 hours at most
//
// The other sides' folders hold the same files. How packets are read and rules decided is in package jurisdictions; this
// package has no logic of its own.
package guangdong
