/**
 * Watches a video for nudity, if somebody wants that: about a picture a second, on this device, by
 * a worker that is loaded for it. Once it suspects something it goes on doing so.
 */
import { isSuspect } from './suspicion.ts';
import { startWorker } from './thread.ts';
import type { FilterMessage } from './nudity.ts';

/** The width and height of what is looked at. */
const SIZE = 224;

/** Between two looks at least, in milliseconds; a slow device rests as long as it worked. */
const REST_MS = 1000;

export class NudityFilter {
	/** `failed`: it can't be had here, and nothing is looked at. */
	state = $state<'loading' | 'watching' | 'failed'>('loading');
	/** What was seen last; undefined until something was. */
	isSuspect = $state<boolean>();

	#worker = startWorker();
	#video: HTMLVideoElement | undefined;
	#asked = 0;
	#next: ReturnType<typeof setTimeout> | undefined;

	/** @param isCareful what isn't clearly ordinary is suspect too */
	constructor(readonly isCareful: boolean) {
		this.#worker.addEventListener('message', ({ data }: MessageEvent<FilterMessage>) => {
			this.#heard(data);
		});
		this.#worker.addEventListener('error', () => this.#heard('failed'));
	}

	/** Looks at this one from now on. The returned function ends that. */
	watch = (video: HTMLVideoElement): (() => void) => {
		this.#video = video;
		if (this.state === 'watching') void this.#look();
		return () => {
			this.#video = undefined;
		};
	};

	/** Looks at nothing any more, and gives back what it took. */
	stop(): void {
		clearTimeout(this.#next);
		this.#video = undefined;
		this.#worker.terminate();
	}

	#heard(message: FilterMessage): void {
		if (message === 'failed') {
			this.stop();
			this.state = 'failed';
		} else if (message === 'ready') {
			this.state = 'watching';
			void this.#look();
		} else {
			this.isSuspect ||= isSuspect(message, this.isCareful);
			this.#lookAfter(Math.max(REST_MS, performance.now() - this.#asked));
		}
	}

	async #look(): Promise<void> {
		clearTimeout(this.#next);
		const video = this.#video;
		if (video === undefined || this.isSuspect === true) return;
		// Without a picture there is nothing to see yet.
		if (video.videoWidth === 0) return this.#lookAfter(REST_MS / 4);
		this.#asked = performance.now();
		const size = { resizeWidth: SIZE, resizeHeight: SIZE };
		const picture = await createImageBitmap(video, size);
		this.#worker.postMessage(picture, [picture]);
	}

	#lookAfter(delayMs: number): void {
		clearTimeout(this.#next);
		this.#next = setTimeout(() => void this.#look(), delayMs);
	}
}
