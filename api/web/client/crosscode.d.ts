/** Types of crosscode.js, the client of a Crosscode gateway. Instants are in the unit that their comment says. */

export type Language = 'zh-Hans' | 'zh-Hant' | 'en' | 'pt';

export interface Request {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** milliseconds */
  timeout: number;
}

export interface Response {
  status: number;
  /** names in lower case */
  headers: Record<string, string>;
  body: string;
}

/** Sends one request. It rejects only when there is no answer at all. */
export type RequestFunction = (request: Request) => Promise<Response>;

/** Keeps texts by name; its functions may be asynchronous. A Web Storage needs a wrapper: {get: getItem, …}. */
export interface TextStorage {
  get(name: string): string | null | undefined | Promise<string | null | undefined>;
  set(name: string, text: string): void | Promise<void>;
  remove(name: string): void | Promise<void>;
}

export interface ClientOptions {
  /** The gateway's URL without a slash at its end; "" (the default) is this page's own origin. */
  base?: string;
  /** fetch where there is one, else wx.request. */
  request?: RequestFunction;
  /** Carries an exchange over the end of this page or app: see pending and resume. */
  storage?: TextStorage;
  wait?(milliseconds: number): Promise<void>;
}

export interface ConsentText {
  id: string;
  /** RFC 3339 with offset */
  from: string;
  until?: string;
  texts: Record<Language, { text: string; sha256: string }>;
}

export interface Consents {
  route: string;
  purpose: string;
  max_age_seconds: number;
  consents: ConsentText[];
}

export interface Problem {
  title?: string;
  detail?: string;
  remedy?: string;
  contact?: string;
  reason?: string;
  /** with consent-missing: why the person who consented may not */
  obstacle?: string;
  field?: string;
  /** with claims-invalid: who can put it right; source: show request_id to contact */
  mended_by?: 'holder' | 'source';
  request_id?: string;
  /** seconds */
  retry_after?: number;
}

/** What an exchange came to. Which members are there depends on outcome. */
export interface Answer extends Problem {
  /** issued: a code. refused: this packet gets none. failed: the request was wrong. retry, unreachable: not yet. */
  outcome: 'issued' | 'refused' | 'failed' | 'retry' | 'unreachable';
  /** the HTTP status, 0 without an answer */
  status: number;
  attempts: number;
  idempotency_key: string;
  route?: string;
  port?: string;
  code_id?: string;
  code?: string;
  receipt_id?: string;
  receipt?: string;
  full_receipt?: string;
  handoff?: string;
  handoff_missing?: boolean;
  issued_at?: string;
  valid_until?: string;
  not_granted?: string[];
  warnings?: { rule: string; title: string; remedy: string; contact: string }[];
  withdraw_secret?: string;
  /** the texts of the QR codes to show, for whatever of code and receipt there is */
  qr: { code?: string; receipt?: string };
  specimen?: boolean;
  /** The source has not compared the holder with the document: say so wherever the code is shown. */
  unverified?: boolean;
}

export interface ExchangeOptions {
  /** Made when it is not given. Whoever asks again with the same key and packet gets the same code. */
  idempotencyKey?: string;
  language?: Language;
  route?: string;
  /** 4 by default */
  attempts?: number;
  onRetry?(seconds: number, attempt: number): void;
}

export interface Client {
  /** The texts that a source's page must show for a route, to the letter. */
  consents(route: string): Promise<Consents>;
  keys(): Promise<{ keys: Record<string, unknown>[] }>;
  metadata(): Promise<Record<string, unknown>>;
  /** The bundle, unverified; date is the server's clock in milliseconds, if it said so. */
  bundle(): Promise<{ token: string; date: number | null }>;
  /** Never rejects for what the network or the gateway does: read outcome. */
  exchange(packet: string, options?: ExchangeOptions): Promise<Answer>;
  /** What was under way when the page or app ended; null without storage. */
  pending(): Promise<{ packet: string; idempotencyKey: string } | null>;
  resume(options?: ExchangeOptions): Promise<Answer | null>;
  /** Voids a code by its holder. */
  withdraw(answer: Pick<Answer, 'receipt' | 'full_receipt' | 'withdraw_secret'>, options?: { language?: Language }):
    Promise<Problem & { outcome: 'withdrawn' | 'refused' | 'failed' | 'retry' | 'unreachable'; status: number }>;
  /** Asks the gateway what a code and/or receipt is. */
  verify(shown: { code?: string; receipt?: string; full_receipt?: string }, options?: { language?: Language }):
    Promise<Problem & { outcome: 'examined' | 'refused' | 'failed' | 'retry' | 'unreachable'; category?: Category; pass?: boolean }>;
}

export function createClient(options?: ClientOptions): Client;
export function fetchRequest(fetch: (url: string, options: object) => Promise<unknown>): RequestFunction;
export function wxRequest(wx: { request(options: object): unknown }): RequestFunction;

/** 256 random bits in base64url. Rejects with ClientError "no-random" where nothing unguessable can be had. */
export function newIdempotencyKey(): Promise<string>;

/** reason: "unreachable", "bad-answer", "no-random", or a problem's own reason. */
export class ClientError extends Error {
  reason: string;
  status: number;
  problem: Problem | null;
}

/** "xc:/" and digits; "" if the token holds a character that no compact JWS has. */
export function qrText(token: string): string;
/** null for any other text. */
export function parseQRText(text: string): string | null;

export interface Matrix {
  /** modules a side, without the quiet zone */
  size: number;
  version: number;
  dark(x: number, y: number): boolean;
}

/** A QR symbol at level M. Throws RangeError for a text beyond version 20. */
export function qrMatrix(text: string): Matrix;
/** scale: pixels a module (6); quiet: modules of quiet zone (4). */
export function drawQR(canvas: HTMLCanvasElement, text: string, options?: { scale?: number; quiet?: number }): Matrix;
export function qrSVGPath(text: string, options?: { quiet?: number }): { size: number; d: string };

/** Whether WebCrypto is here: without it nothing can be checked, and nothing is guessed. */
export function canVerify(): boolean;

/** An opened bundle; only openBundle makes one. */
export interface Bundle {
  readonly issuer: string;
  /** seconds, all three; expires is when it must not be used any more */
  readonly issuedAt: number;
  readonly soft: number;
  readonly expires: number;
  readonly specimen: boolean;
  /** how many */
  readonly recalls: number;
  readonly profiles: readonly { side: string; key: string; typ: string; tag: string }[];
  /** These replace the pins that the bundle was opened with. */
  readonly pins: readonly string[];
}

export class BundleError extends Error {
  reason: 'unreadable' | 'stale' | 'rolled-back' | 'future' | 'cannot-verify';
  /** seconds; of a genuine bundle only */
  issuedAt?: number;
}

/** pins: RFC 7638 thumbprints. now: milliseconds or a Date; lastSeen: the issuedAt of the newest bundle seen, in seconds. */
export function openBundle(token: string, pins: readonly string[], options?: { now?: number | Date; lastSeen?: number }): Promise<Bundle>;

export type Category =
  | 'valid' | 'expired' | 'not-yet-valid' | 'recalled' | 'route-closed' | 'specimen' | 'refusal' | 'mismatch' | 'unreadable';

/** What is found. The members behind pass are there unless category is "unreadable" or "cannot-verify". */
export interface Finding {
  category: Category | 'cannot-verify';
  /** only a valid exhibit lets somebody pass */
  pass: boolean;
  route?: string;
  port?: string;
  name?: string;
  /** masked */
  document?: string;
  /** a day in UTC+8, or "" */
  sampledOn?: string;
  /** seconds */
  until?: number;
  /** With "route-closed" alone, in seconds: when the closing began that voids the code; 0: no beginning is known. */
  since?: number;
  /** With "route-closed" alone, in seconds: when that closing ended; 0: it has not. */
  reopened?: number;
  specimen?: boolean;
  /** Identity not verified: the officer must compare the holder with the document. */
  unverified?: boolean;
  /** of the full receipt; null when it was not shown */
  notGranted?: string[] | null;
}

export function verifyExhibit(
  shown: { code?: string; receipt?: string; full?: string | Uint8Array }, bundle: Bundle, options?: { now?: number | Date; specimens?: boolean },
): Promise<Finding>;

/** What a token or QR text claims to be. No signature is checked. */
export function tokenKind(text: string): 'code' | 'receipt' | 'bundle' | null;
/** Compares the end of a typed document number with a masked one; short: fewer characters than the mask shows. */
export function tailMatches(masked: string, typed: string): 'match' | 'mismatch' | 'short';
/** "2026-11-23 10:00 UTC+8" of seconds or RFC 3339 */
export function showTime(instant: number | string): string;

export function encodeBase64URL(bytes: Uint8Array): string;
/** null for any but the one canonical text of some bytes */
export function decodeBase64URL(text: string): Uint8Array | null;
export function encodeUTF8(text: string): Uint8Array;
/** null for what is not UTF-8 */
export function decodeUTF8(bytes: Uint8Array): string | null;
/** One JSON value, strictly: throws for a member name twice. Numbers that are no safe integer are NaN. */
export function parseStrict(text: string): unknown;
