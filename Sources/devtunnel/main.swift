print("devtunnel")
