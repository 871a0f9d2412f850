/**
 * Looks at pictures on a thread of its own. What it loads is of this site, and what it is shown
 * stays here: it says only of what kind a picture seems to be.
 *
 * The model is MobileNet V2 of github.com/GantMan/nsfw_model (MIT), as nsfwjs brings it.
 */
import * as tf from '@tensorflow/tfjs-core';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { MobileNetV2Model } from 'nsfwjs/models/mobilenet_v2';
import type { Kinds } from './suspicion.ts';

/** The width and height of what the model takes. */
const SIZE = 224;

/** What the page is told: `ready` once, `failed` for good, or what became of a picture. */
export type FilterMessage = 'ready' | 'failed' | Kinds;

const say = (message: FilterMessage): void => postMessage(message);

const model = load();
model.then(
	() => say('ready'),
	() => say('failed'),
);

addEventListener('message', async ({ data }: MessageEvent<ImageBitmap>) => {
	try {
		say(await look(await model, data));
	} catch {
		say('failed');
	}
});

async function load(): Promise<LayersModel> {
	await import('@tensorflow/tfjs-backend-webgl');
	if (!(await tf.setBackend('webgl').catch(() => false))) {
		// Without a graphics card. The one file for every browser that has WebAssembly with SIMD.
		const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
		setWasmPaths({ 'tfjs-backend-wasm-simd.wasm': simd });
		if (!(await tf.setBackend('wasm'))) throw new Error('nothing here can run the model');
	}
	const [weights] = MobileNetV2Model.weightBundles;
	if (weights === undefined) throw new Error('the model has no weights');
	const [{ default: json }, { default: base64 }] = await Promise.all([
		MobileNetV2Model.modelJson(),
		weights(),
	]);
	return loadLayersModel(
		tf.io.fromMemory({
			modelTopology: json.modelTopology,
			weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
			weightData: Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer,
		}),
	);
}

async function look(model: LayersModel, picture: ImageBitmap): Promise<Kinds> {
	const kinds = tf.tidy(() => {
		const pixels = tf.cast(tf.browser.fromPixels(picture), 'float32');
		return model.predict(tf.reshape(tf.div(pixels, 255), [1, SIZE, SIZE, 3])) as tf.Tensor;
	});
	picture.close();
	const values = await kinds.data();
	kinds.dispose();
	return Array.from(values) as unknown as Kinds;
}
