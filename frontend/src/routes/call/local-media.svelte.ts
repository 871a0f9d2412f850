/**
 * One's own microphone and camera: asked for, switched, and given back. One for the page, because
 * a chat ends and the next begins with the same picture.
 */
import type { Mode } from '@whisper/client';

/** Why there is no sound or picture, as far as a browser tells. */
export type MediaTrouble =
	'denied' | 'denied_by_system' | 'not_found' | 'in_use' | 'insecure' | 'failed';

export type CallMode = Exclude<Mode, 'text'>;

/** Ids of devices; the system's own choice where there is none, or where it is gone. */
export interface DeviceChoice {
	readonly microphone: string | undefined;
	readonly camera: string | undefined;
}

export class LocalMedia {
	/** What is sent: one track of sound and, with a camera that is on, one of pictures. */
	stream = $state.raw<MediaStream>();
	devices = $state.raw<readonly MediaDeviceInfo[]>([]);
	trouble = $state<MediaTrouble>();
	isMicOn = $state(true);
	isCameraOn = $state(true);
	/** A person has seen once what others will see. */
	wasChecked = false;

	#mode: CallMode = 'voice';
	#choice: DeviceChoice = { microphone: undefined, camera: undefined };
	/** Counts up with every start and stop: what comes back late belongs to an older one. */
	#turn = 0;

	/** Asks for what the mode needs, instead of what was there. Returns whether it is there. */
	async start(mode: CallMode, choice: DeviceChoice): Promise<boolean> {
		this.stop();
		this.#mode = mode;
		this.#choice = choice;
		const stream = await this.#ask({ audio: true, video: mode === 'video' });
		if (stream === undefined) return false;
		this.stream = stream;
		await this.#look();
		return true;
	}

	/** Gives everything back: no light stays on. */
	stop(): void {
		this.#turn += 1;
		stopTracks(this.stream?.getTracks());
		this.stream = undefined;
		this.trouble = undefined;
		this.isMicOn = true;
		this.isCameraOn = true;
	}

	setMic(isOn: boolean): void {
		this.isMicOn = isOn;
		for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = isOn;
	}

	/** Off means off: the camera is given back, and asked for again when it is to go on. */
	async setCamera(isOn: boolean): Promise<void> {
		const { stream } = this;
		if (stream === undefined) return;
		stopTracks(stream.getVideoTracks());
		this.isCameraOn = false;
		if (isOn) {
			const camera = await this.#ask({ audio: false, video: true });
			if (camera === undefined) return;
			this.isCameraOn = true;
			this.stream = new MediaStream([...stream.getAudioTracks(), ...camera.getVideoTracks()]);
		}
	}

	/** The devices of a kind that a person may choose from. */
	ofKind(kind: 'audioinput' | 'videoinput'): readonly MediaDeviceInfo[] {
		return this.devices.filter((device) => device.kind === kind && device.deviceId !== '');
	}

	async #ask(wanted: { audio: boolean; video: boolean }): Promise<MediaStream | undefined> {
		const turn = this.#turn;
		this.trouble = undefined;
		try {
			// Pages that are not secure have no such object.
			const devices = navigator.mediaDevices as MediaDevices | undefined;
			if (devices === undefined) throw new DOMException('', 'SecurityError');
			const stream = await devices.getUserMedia({
				audio: wanted.audio && soundOf(this.#choice.microphone),
				video: wanted.video && pictureOf(this.#choice.camera),
			});
			if (turn !== this.#turn) {
				stopTracks(stream.getTracks());
				return undefined;
			}
			for (const track of stream.getTracks()) {
				// Pulled out, or taken back in the browser's own settings.
				track.addEventListener('ended', () => {
					if (turn === this.#turn) this.trouble = 'not_found';
				});
			}
			return stream;
		} catch (error) {
			if (turn === this.#turn) this.trouble = troubleOf(error);
			return undefined;
		}
	}

	/** Devices have names only once one of them was allowed. */
	async #look(): Promise<void> {
		const list = async () => (this.devices = await navigator.mediaDevices.enumerateDevices());
		await list();
		navigator.mediaDevices.ondevicechange = () => void list();
	}

	get mode(): CallMode {
		return this.#mode;
	}
}

function soundOf(deviceId: string | undefined): MediaTrackConstraints {
	return { ...ideally(deviceId), echoCancellation: true, noiseSuppression: true };
}

function pictureOf(deviceId: string | undefined): MediaTrackConstraints {
	const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } };
	return { ...size, facingMode: 'user', ...ideally(deviceId) };
}

/** A device that is gone is no reason to fail. */
function ideally(deviceId: string | undefined): MediaTrackConstraints {
	return deviceId === undefined ? {} : { deviceId: { ideal: deviceId } };
}

function stopTracks(tracks: readonly MediaStreamTrack[] = []): void {
	for (const track of tracks) track.stop();
}

export function troubleOf(error: unknown): MediaTrouble {
	const { name, message } = error instanceof DOMException ? error : { name: '', message: '' };
	switch (name) {
		case 'NotAllowedError':
			return /system/i.test(message) ? 'denied_by_system' : 'denied';
		case 'NotFoundError':
		case 'OverconstrainedError':
			return 'not_found';
		case 'NotReadableError':
		case 'AbortError':
			return 'in_use';
		case 'SecurityError':
			return 'insecure';
		default:
			return 'failed';
	}
}

export const localMedia = new LocalMedia();
