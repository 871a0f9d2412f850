// The pair relay on Bun's own WebSocket server, which is uWebSockets: accepts at /ws, pairs
// clients as they come, tells both by an empty frame, and passes binary frames on as they are.
// Compression is off, and no timer runs for a socket.

const [listen = "127.0.0.1:0"] = process.argv.slice(2);
const colon = listen.lastIndexOf(":");

let waiting = null;

const server = Bun.serve({
	hostname: listen.slice(0, colon),
	port: Number(listen.slice(colon + 1)),
	fetch(request, server) {
		const data = { partner: null };
		if (new URL(request.url).pathname === "/ws" && server.upgrade(request, { data })) return;
		return new Response("a WebSocket at /ws, and nothing else\n", { status: 404 });
	},
	websocket: {
		perMessageDeflate: false,
		idleTimeout: 0,
		sendPings: false,
		maxPayloadLength: 65_536,
		open(socket) {
			if (waiting === null) {
				waiting = socket;
				return;
			}
			const partner = waiting;
			waiting = null;
			socket.data.partner = partner;
			partner.data.partner = socket;
			partner.sendBinary(new Uint8Array(0));
			socket.sendBinary(new Uint8Array(0));
		},
		message(socket, bytes) {
			socket.data.partner?.sendBinary(bytes);
		},
		close(socket) {
			if (waiting === socket) waiting = null;
			const { partner } = socket.data;
			if (partner === null) return;
			partner.data.partner = null;
			partner.close();
		},
	},
});

console.log(JSON.stringify({ event: "ready", listen: `${server.hostname}:${server.port}` }));
