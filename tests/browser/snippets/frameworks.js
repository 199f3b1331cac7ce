// React/Vue 等前端框架使用範例
const JitsiTokenService = {
async getToken(meetingConfig) {
const {
room,
userId,
userName,
userEmail,
isModerator = false
} = meetingConfig;
try {
const params = new URLSearchParams({
room: room || 'default-room',
user_id: userId || `user_${Date.now()}`,
user_name: userName || 'Anonymous User',
user_email: userEmail || '[email protected]',
user_moderator: isModerator.toString()
});
const response = await fetch(`https://your-worker-domain.workers.dev/api/jitsi-token?${params}`);
if (!response.ok) {
throw new Error(`HTTP error! status: ${response.status}`);
}
const data = await response.json();
return data.token;
} catch (error) {
console.error('Failed to get Jitsi token:', error);
throw error;
}
}
};
// 使用範例
JitsiTokenService.getToken({
room: 'my-meeting-room',
userId: 'user123',
userName: 'John Doe',
userEmail: '[email protected]',
isModerator: true
}).then(token => {
console.log('Got token:', token);
// 使用 token 初始化 Jitsi Meet
}).catch(error => {
console.error('Error:', error);
});
