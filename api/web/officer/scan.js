/**
 * How a QR code's text comes in: camera, photo, hand-held scanner (a keyboard to the browser). Each calls back with the text
 * and keeps nothing.
 */

const LONGEST = 1280; // pixels of a frame's longer side: a version 15 code that fills half of it has 7 pixels a module
const GAP = 500; // ms between two keys of a scanner, at most
const SHORTEST = 20; // characters: less is somebody typing
const PAUSE = 60; // ms between two looks, so that the phone stays cool

let reading = null;

/** reader is the browser's own BarcodeDetector, or the vendored decoder. Both give every QR text in a picture. */
function reader() {
  reading = reading || (async () => (await native()) || vendored())();
  return reading;
}

async function native() {
  if (typeof BarcodeDetector === 'undefined') return null;
  try {
    if (!(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return null;
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
    return { name: 'BarcodeDetector', read: async (picture) => (await detector.detect(picture)).map((each) => each.rawValue) };
  } catch {
    return null;
  }
}

/**
 * LOOKS are the ways in which the vendored decoder is shown a picture: as it is; turned, since it finds no code at 45 degrees
 * and a turned picture is a smoothed one; made smaller, which takes the noise out of a dark counter's picture. A camera gets
 * one look a frame, beginning with the one that last found something; a photo gets them all.
 */
const LOOKS = [{ turn: 0, scale: 1 }, { turn: Math.PI / 8, scale: 1 }, { turn: 0, scale: 0.7 }];

async function vendored() {
  const { decodeQRBatch } = await import('/vendor/qr@0.7.0/decode.js');
  const canvas = document.createElement('canvas');
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  let next = 0;

  async function look(picture, width, height, patience) {
    const { turn, scale } = LOOKS[next];
    const shrink = Math.min(1, LONGEST / Math.max(width, height)) * scale;
    canvas.width = Math.round(width * shrink);
    canvas.height = Math.round(height * shrink);
    paint.fillStyle = '#888';
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.translate(canvas.width / 2, canvas.height / 2);
    paint.rotate(turn);
    paint.drawImage(picture, -canvas.width / 2, -canvas.height / 2, canvas.width, canvas.height);
    paint.resetTransform();
    const frame = paint.getImageData(0, 0, canvas.width, canvas.height);
    const [found] = await decodeQRBatch([frame], { timeLimit: patience, maxSize: { width: LONGEST, height: LONGEST } });
    paint.clearRect(0, 0, canvas.width, canvas.height);
    return found.filter((each) => typeof each === 'string');
  }

  return {
    name: 'qr@0.7.0',
    read: async (picture, width, height, patience, looks = 1) => {
      for (let left = looks; left > 0; left--) {
        const texts = await look(picture, width, height, patience);
        if (texts.length > 0) return texts;
        next = (next + 1) % LOOKS.length;
      }
      return [];
    },
  };
}

export const readerName = async () => (await reader()).name;

/** camera shows the picture of the rear camera in a <video> and calls found(text) for whatever it reads, until stop(). */
export async function camera(video, found) {
  const wanted = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } };
  const [stream, eyes] = await Promise.all([navigator.mediaDevices.getUserMedia({ video: wanted, audio: false }), reader()]);
  let running = true;
  video.srcObject = stream;
  await video.play();
  (async () => {
    while (running) {
      await new Promise((done) => setTimeout(done, PAUSE));
      if (!running || document.hidden || video.readyState < 2) continue;
      try {
        for (const text of await eyes.read(video, video.videoWidth, video.videoHeight, 80)) if (running) found(text);
      } catch {
        // A frame that cannot be read is followed by the next.
      }
    }
  })();
  return {
    stop() {
      running = false;
      stream.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    },
  };
}

/** photo gives the QR texts in a picture file; it looks longer than at a frame, and at several sizes. */
export async function photo(file) {
  const picture = await createImageBitmap(file);
  try {
    const eyes = await reader();
    const texts = await eyes.read(picture, picture.width, picture.height, 1000, LOOKS.length);
    if (texts.length > 0 || Math.max(picture.width, picture.height) <= LONGEST) return texts;
    // A small code in a large photo: the middle at full size.
    const side = Math.min(picture.width, picture.height, LONGEST);
    const middle = await createImageBitmap(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side);
    try {
      return await eyes.read(middle, side, side, 1000, LOOKS.length);
    } finally {
      middle.close();
    }
  } finally {
    picture.close();
  }
}

/**
 * wedge listens to a hand-held scanner: it types fast and ends with Enter or Tab. What is typed into a field is left to the
 * field, unless it begins like one of our codes, since an officer does not look where the cursor is.
 */
export function wedge(target, found) {
  let typed = '';
  let last = 0;
  target.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const now = event.timeStamp;
    if (now - last > GAP) typed = '';
    last = now;
    if (event.key.length === 1) {
      typed += event.key;
      if (typed.length > 8192) typed = '';
      // The space bar would press a focused button.
      if (event.key === ' ' && typed.length > 8) event.preventDefault();
      return;
    }
    if (event.key !== 'Enter' && event.key !== 'Tab') return;
    const field = event.target instanceof HTMLInputElement && event.target.type === 'text';
    const text = field && event.target.value.includes('xc:/') ? event.target.value : typed;
    typed = '';
    const at = text.indexOf('xc:/');
    if (text.length < SHORTEST || (at < 0 && field)) return;
    event.preventDefault();
    event.stopPropagation();
    if (field) event.target.value = '';
    found(at < 0 ? text : text.slice(at));
  }, true);
}
