// 前端 JavaScript 範例
async function getJitsiToken(options = {}) {
const {
room = 'default-room',
userId = 'user123',
userName = 'Anonymous User',
userEmail = '[email protected]',
isModerator = false
} = options;
const params = new URLSearchParams({
room,
user_id: userId,
user_name: userName,
user_email: userEmail,
user_moderator: isModerator.toString()
});
const response = await fetch(`/api/jitsi-token?${params}`);
const data = await response.json();
return data.token;
}
// 使用範例
// 基本使用
const token1 = await getJitsiToken();
// 完整參數使用
const token2 = await getJitsiToken({
room: 'my-meeting-room',
userId: 'user123',
userName: 'John Doe',
userEmail: '[email protected]',
isModerator: true
});
console.log('JWT Token:', token2);
